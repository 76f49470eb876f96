"""The AWS services that every target needs, whatever its source and consumers are."""
