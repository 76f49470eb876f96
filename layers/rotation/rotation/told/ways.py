"""What to do about each error of ours: one sentence, for whoever reads it at night. docs/errors.md says the same. Pure."""

PAGE = "docs/errors.md"

WAYS_OUT: dict[str, str] = {
    "SecretStoreUnavailable": "Wait until Secrets Manager and KMS answer (throttling, VPC endpoint), then start again.",
    "SecretVersionMissing": "Ask whether somebody restored or replaced the secret; then start again.",
    "TargetStoreUnavailable": "Wait until Parameter Store answers (throttling, VPC endpoint), then start again.",
    "OwnerUnknown": "Wait until Step Functions answers, then start again.",
    "SourceUnreachable": "Check the database's security group and subnets, and whether it is failing over; then start again.",
    "SourceReadOnly": "Make sure that the host in the secret is the writer's endpoint; after a fail-over, start again.",
    "SourceBusy": "Another session holds our lock on the database: look for a second rotation of this server, then start again.",
    "FileSystemUnavailable": "Check that EFS is mounted and that the access point's POSIX user owns the file; then start again.",
    "ClusterUnavailable": "Check that the subnets reach the Kubernetes API, and the role's access entry; then start again.",
    "ClusterConflict": "Somebody else changes the same object all the time: find out who, then start again.",
    "AppUnhealthy": "Open the health page: it answers without its marker. Mend the application, then start again.",
    "NoFreeSlot": "Look who is logged in as the next user (it is to be nobody), end those sessions, then start again.",
    "TargetNotFound": "Give a target that exists: rotation targets list.",
    "TargetInvalid": "Mend the field that is named in the target document, then start again.",
    "SecretInvalid": "Mend the secret: the missing field is named; one that is marked for deletion can be restored.",
    "SecretDenied": "Allow the function's role the secret and its KMS key: rotation start --mode verify --follow says who may not.",
    "RotationAlreadyRunning": "Let the other execution end: rotation status shows it.",
    "RotationSuperseded": "Look at the execution that runs now, or ask who wrote the secret.",
    "SituationChanged": "Start again: somebody moved a label at the same moment.",
    "SourceUntrusted": "Check the host name in the secret and the target's certificate authority against the server's certificate.",
    "AdminLoginUnknown": "Put the password that the admin really has into the admin secret, then start again.",
    "LoginRefused": "Somebody changed this user's password or its rights outside: start again, it is repaired if nobody uses it.",
    "AccountLocked": "Unlock the account in the database, then start again.",
    "AccountAmbiguous": "Drop the account that is not meant: there is more than one of that name.",
    "PasswordRejected": "Set the target's password rules to what the database's policy asks for, then start again.",
    "SlotInUse": "Look who is logged in as that user, and let it end; then start again.",
    "RetiredPasswordAccepted": "Look for a proxy or plugin that accepts the old password: it must be refused; then start again.",
    "SourceRefused": "Look up the database's code in the message; the admin mostly lacks a privilege.",
    "SqlconfMissing": "Check the path in the target document and the mount.",
    "SqlconfUnsupported": "Write the named line of the file as a plain text in quotes, then start again.",
    "ConsumerDiffers": "Look who else writes that place (a deployment tool?), stop it, then start again.",
    "ClusterObjectMissing": "Create the Secret or the Deployment again, then start again.",
    "ClusterRefused": "Apply k8s/rbac.yaml, and check that it names this object; then start again.",
    "RolloutPaused": "kubectl rollout resume the Deployment, then start again.",
    "RolloutFailed": "kubectl describe pod says why the new pods are not ready; mend it, then start again.",
    "RolloutTooSlow": "kubectl rollout status says what is slow; mend it or raise the rollout deadline, then start again.",
    "EndpointTooSlow": "Check that the proxy reads this user's secret; raise its deadline if it is only late; then start again.",
    "DrainTooSlow": "Find who still uses the old credential (long sessions, another client of that user); then start again.",
    "PrimaryUnknown": "Settle by hand which of the user's two passwords is the primary, discard the other, then start again.",
    "SecondaryUnknown": "Find who uses the user's second password, discard it, then start again.",
    "NotOnSlots": "Move the application to a user of the ring by a rotation first, then start revoke again.",
    "TrafficElsewhere": "Start this target with the schedule or rotation start, not with Secrets Manager's button.",
    "VersionUnknown": "Rotate again from Secrets Manager: it asked for a version that is not pending.",
    "VersionDiffers": "Rotate again from Secrets Manager: under this token lies another credential.",
    "RunEnded": "rotation explain says why the execution ended; mend that, then rotate again.",
    "RunTooSlow": "Nothing: Secrets Manager asks again by itself.",
    "SecretNotFinished": "See why Secrets Manager did not finish (its function's log), then start again.",
    "NotAnnounced": "Check the SNS topic and its key; what was to be told is in the Cause.",
    "UnexpectedError": "This is a defect of ours: its type and place are in the message. Please report it.",
    "States.Timeout": "The function did not answer in time: look at its log; a network that drops packets looks like this.",
    "States.TaskFailed": "Look at the log of the function.",
    "Lambda.Unknown": "The function was killed before it could answer (memory, time): look at its log, then start again.",
    "Sandbox.Timedout": "The function did not answer in time: look at its log, then start again.",
    "Runtime.ExitError": "The function's process died: look at its log, then start again.",
}


def way_out(error: str) -> str:
    """What to do about an error; empty where nothing more is known than its message."""
    return WAYS_OUT.get(error, "")


def link(error: str) -> str:
    """Where the documentation says more about it."""
    return f"{PAGE}#{error.lower().replace('.', '')}" if error in WAYS_OUT else PAGE
