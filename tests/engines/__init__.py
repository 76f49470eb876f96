"""What other Step Functions engines are given of the scripted runs of tests/statemachine, and whether they go the same way.

`recorded` walks every scripted run by the interpreter and keeps which state got which answer. `mocked` makes of that the mock
configuration of AWS's Step Functions Local, `asked` the questions to AWS's TestState. docs/engines.md says what each can show.
"""
