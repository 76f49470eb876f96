"""Every way a step can fail, by the name that the state machine matches and the runbook explains.

    RotationError
    ├── TransientError              trying again may help: the state machine does, with back-off
    │   ├── SecretStoreUnavailable    Secrets Manager or KMS did not answer, or throttled
    │   ├── SecretVersionMissing      Secrets Manager does not know a version: it was put a moment ago, or it is gone
    │   ├── TargetStoreUnavailable    Parameter Store, or a fleet's bucket, did not answer, or throttled
    │   ├── OwnerUnknown              Step Functions did not say whether another execution runs, or how it ended
    │   ├── SourceUnreachable         the database did not answer, or the connection was lost
    │   ├── SourceReadOnly            the connection reached a reader, or a writer that is failing over
    │   ├── SourceBusy                another session holds our lock on the database
    │   ├── SourceLags                a provider does not act yet on a change: it refuses a new key, or still accepts an old one
    │   ├── FileSystemUnavailable     EFS did not answer, or did not (yet) allow the write
    │   ├── ClusterUnavailable        the Kubernetes API did not answer
    │   ├── ClusterConflict           somebody else changed the object at the same moment
    │   ├── FleetUnavailable          EC2, Auto Scaling or Systems Manager did not answer, or throttled
    │   ├── SwarmUnavailable          no manager of the Swarm answered, or the managers have no quorum
    │   ├── SwarmConflict             a service or secret of the Swarm was changed at the same moment
    │   ├── VaultUnavailable          Vault did not answer
    │   ├── VaultSealed               Vault is sealed
    │   ├── VaultStandby              this node of Vault is a standby, and does not lead to the active one
    │   ├── VaultThrottled            Vault refused because there were too many requests
    │   ├── VaultTokenExpired         our token has expired; the next try logs in again
    │   ├── VaultConflict             somebody else wrote the path at the same moment
    │   ├── ConsumerFunctionUnavailable  Lambda did not run the target's own function, or the function cannot reach its place now
    │   ├── ConsumerFunctionThrottled  Lambda had no capacity to run the target's own function
    │   ├── ConsumerFunctionTimedOut  the target's own function did not answer in time; the rotation looks at what it did
    │   ├── ConsumerFunctionFailed    the target's own function ended with an error of its own
    │   ├── ConsumerFunctionConflict  the function's place holds another version than the one that was seen
    │   ├── ServiceBusy               somebody else is updating the service
    │   ├── AppUnhealthy              the health page did not show that the application works
    │   └── NoFreeSlot                the next user is in use (in a first rotation: each user), maybe by ending sessions
    └── PermanentError              trying the same again cannot help
        ├── TargetNotFound            there is no such target document
        ├── TargetInvalid             the target document does not fit its schema; the field is named
        ├── SecretInvalid             a secret is missing, is marked for deletion, or lacks a field; the field is named
        ├── SecretDenied              IAM, the secret's policy or its KMS key does not let this function use a secret
        ├── RotationAlreadyRunning    a running execution holds AWSPENDING
        ├── RotationSuperseded        AWSPENDING is no longer ours: another run, or a person, took over
        ├── SituationChanged          something changed between the look and the claim, or before a password was set
        ├── SourceUntrusted           the database offers no TLS, or the target's CA does not vouch for its certificate
        ├── AdminLoginUnknown         none of the known passwords of the admin logs in
        ├── LoginRefused              a credential that should work does not log in
        ├── AccountLocked             the database refuses the account, whatever the password
        ├── AccountAmbiguous          there is more than one account of that name; a person has to say which one is meant
        ├── PasswordRejected          the database's password policy refused every password that was offered
        ├── SlotInUse                 somebody uses this user: a new password could cut them off
        ├── RetiredPasswordAccepted   the old password still logs in although it was discarded
        ├── SourceRefused             the database, or whoever issues keys, refused a request for another reason; its code is given
        ├── SourceNotSaved            a node of Redis cannot save its users: a restart would lose the change
        ├── SourceUnsettled           somebody keeps changing the JWKS, so nobody knows what every verifier has
        ├── UnknownKey                the provider has a key that the record does not know; its id, age and last use are given
        ├── NoRoomForKey              the provider has as many keys as it allows
        ├── SqlconfMissing            the file does not exist
        ├── SqlconfUnsupported        the file sets a value in a way that we cannot rewrite; the line is named
        ├── ConsumerDiffers           what was published reads back differently
        ├── ClusterObjectMissing      there is no such Secret or workload
        ├── ClusterRefused            the Kubernetes API refused the request; its reason is given
        ├── RolloutPaused             the Deployment is paused: it would never roll out
        ├── WorkloadUnfit             a restart of the workload would not replace every pod of it; why is named
        ├── RolloutFailed             Kubernetes says that the rollout exceeded its progress deadline
        ├── FleetDenied               IAM does not let this function do what it has to do with the instances
        ├── InstancesMissing          no instance in service has the tag
        ├── InstanceSilent            an instance in service did not answer within the rollout deadline
        ├── CommandFailed             a command failed on an instance and did not explain why
        ├── CommandTimedOut           a command was still running on an instance when its time was up
        ├── CommandNotDelivered       an instance in service did not take a command in time
        ├── CommandUndeliverable      a command could not be delivered to an instance in service
        ├── CommandTerminated         an instance got no command any more, because the command had failed elsewhere
        ├── CommandCancelled          a person cancelled a command
        ├── WpConfigMissing           an instance has no such wp-config.php
        ├── WpConfigUnsupported       a wp-config.php sets a value in a way that we cannot rewrite; the line is named
        ├── WpConfigReadOnly          an instance cannot replace its wp-config.php
        ├── DiskFull                  an instance has no room for a new wp-config.php
        ├── PhpMissing                an instance has no PHP that could read its wp-config.php
        ├── SecretUnreadable          an instance could not read the application's secret with its own role
        ├── PageBad                   an instance does not show its own page with the new credential
        ├── SwarmUntrusted            a manager does not speak TLS as the target asks, or the target's CA does not vouch for it
        ├── SwarmDenied               a manager refused our certificate, or the certificate has expired
        ├── SwarmObjectMissing        there is no such service or secret in the Swarm
        ├── SwarmRefused              a manager refused a call for another reason; its status is given
        ├── SwarmValueTooLarge        a login is larger than a Swarm secret may be
        ├── ServiceUnfit              the service cannot be updated task by task as it is; the reason is named
        ├── ServiceUpdateFailed       the Swarm paused the update of a service, or rolled it back
        ├── VaultUntrusted            Vault does not speak TLS as the target asks, or the target's CA does not vouch for it
        ├── VaultLoginRefused         Vault refuses the login of the target's role
        ├── VaultDenied               the role's policies do not allow the request
        ├── VaultMountMissing         nothing is mounted in Vault at the place that the target names
        ├── VaultNotVersioned         the mount is no key-value store of version 2, so it has no check-and-set
        ├── VaultPathMissing          the path does not exist
        ├── VaultRefused              Vault refused a call for another reason; its status is given
        ├── ConsumerFunctionMissing   the function, or its alias or version, does not exist
        ├── ConsumerFunctionDenied    IAM, or the key of the function's variables, does not let us run it
        ├── ConsumerFunctionNoJson    the target's own function answered with something that is not JSON
        ├── ConsumerFunctionWrong     the target's own function did not answer as its contract says
        ├── ConsumerFunctionLeaks     the target's own function answered with something that looks like a credential
        ├── ConsumerFunctionRefused   the target's own function cannot read the secret, or its place does not accept the credential
        ├── EndpointTooSlow           the proxy still refused a login that the database accepts when the target's time was up
        ├── RolloutTooSlow            the rollout did not end within the target's rollout deadline
        ├── DrainTooSlow              the old credential was still in use when the drain's deadline came
        ├── PrimaryUnknown            nobody knows which of a user's two passwords is the primary, or it is the wrong one
        ├── SecondaryUnknown          the user has a second password that is not recorded: somebody may use it
        ├── KeyNotHandedIn            nobody has handed in a new key that works, and the rotation cannot make one
        ├── KeyKnown                  the key that was handed in is not new
        ├── NotOnSlots                a revocation finds the application on a user that is in neither slot
        ├── TrafficElsewhere          Secrets Manager is asked to rotate a secret that does not move the target's traffic
        ├── VersionUnknown            Secrets Manager asks for a version that is neither pending nor current, or for an unknown step
        ├── VersionDiffers            another credential than this rotation's is stored under Secrets Manager's token
        ├── RunEnded                  the execution that Secrets Manager waits for failed, was rolled back, or is not there
        ├── RunTooSlow                the execution needs longer than one call of Secrets Manager may wait
        ├── SecretNotFinished         Secrets Manager's rotation did not make the application's secret current in time
        ├── FleetInvalid              a fleet was started with a setting that does not exist or is not allowed; it is named
        ├── NotAnnounced              the SNS topic did not take a message
        └── UnexpectedError           a bug: its type and place are given, never its text

No message carries a driver's text: a MySQL syntax error quotes the statement, and with it the password.
"""

from typing import Self


class RotationError(Exception):
    """Root of the tree above."""

    def at(self, target: str) -> Self:
        """The same error, its message beginning with the target it concerns."""
        text = str(self)
        return self if text.startswith(f"{target}: ") else type(self)(f"{target}: {text}")


class TransientError(RotationError):
    """Nothing was decided: trying again may help."""


class PermanentError(RotationError):
    """Trying the same again cannot help."""


class SecretStoreUnavailable(TransientError): ...


class SecretVersionMissing(TransientError): ...


class TargetStoreUnavailable(TransientError): ...


class OwnerUnknown(TransientError): ...


class SourceUnreachable(TransientError): ...


class SourceReadOnly(TransientError): ...


class SourceBusy(TransientError): ...


class SourceLags(TransientError): ...


class FileSystemUnavailable(TransientError): ...


class ClusterUnavailable(TransientError): ...


class ClusterConflict(TransientError): ...


class FleetUnavailable(TransientError): ...


class SwarmUnavailable(TransientError): ...


class SwarmConflict(TransientError): ...


class VaultUnavailable(TransientError): ...


class VaultSealed(TransientError): ...


class VaultStandby(TransientError): ...


class VaultThrottled(TransientError): ...


class VaultTokenExpired(TransientError): ...


class VaultConflict(TransientError): ...


class ConsumerFunctionUnavailable(TransientError): ...


class ConsumerFunctionThrottled(TransientError): ...


class ConsumerFunctionTimedOut(TransientError): ...


class ConsumerFunctionFailed(TransientError): ...


class ConsumerFunctionConflict(TransientError): ...


class ServiceBusy(TransientError): ...


class AppUnhealthy(TransientError): ...


class NoFreeSlot(TransientError): ...


class TargetNotFound(PermanentError): ...


class TargetInvalid(PermanentError): ...


class SecretInvalid(PermanentError): ...


class SecretDenied(PermanentError): ...


class RotationAlreadyRunning(PermanentError): ...


class RotationSuperseded(PermanentError): ...


class SituationChanged(PermanentError): ...


class SourceUntrusted(PermanentError): ...


class AdminLoginUnknown(PermanentError): ...


class LoginRefused(PermanentError): ...


class AccountLocked(PermanentError): ...


class AccountAmbiguous(PermanentError): ...


class PasswordRejected(PermanentError): ...


class SlotInUse(PermanentError): ...


class RetiredPasswordAccepted(PermanentError): ...


class SourceRefused(PermanentError): ...


class SourceNotSaved(PermanentError): ...


class SourceUnsettled(PermanentError): ...


class UnknownKey(PermanentError): ...


class NoRoomForKey(PermanentError): ...


class SqlconfMissing(PermanentError): ...


class SqlconfUnsupported(PermanentError): ...


class ConsumerDiffers(PermanentError): ...


class ClusterObjectMissing(PermanentError): ...


class ClusterRefused(PermanentError): ...


class RolloutPaused(PermanentError): ...


class WorkloadUnfit(PermanentError): ...


class RolloutFailed(PermanentError): ...


class FleetDenied(PermanentError): ...


class InstancesMissing(PermanentError): ...


class InstanceSilent(PermanentError): ...


class CommandFailed(PermanentError): ...


class CommandTimedOut(PermanentError): ...


class CommandNotDelivered(PermanentError): ...


class CommandUndeliverable(PermanentError): ...


class CommandTerminated(PermanentError): ...


class CommandCancelled(PermanentError): ...


class WpConfigMissing(PermanentError): ...


class WpConfigUnsupported(PermanentError): ...


class WpConfigReadOnly(PermanentError): ...


class DiskFull(PermanentError): ...


class PhpMissing(PermanentError): ...


class SecretUnreadable(PermanentError): ...


class PageBad(PermanentError): ...


class SwarmUntrusted(PermanentError): ...


class SwarmDenied(PermanentError): ...


class SwarmObjectMissing(PermanentError): ...


class SwarmRefused(PermanentError): ...


class SwarmValueTooLarge(PermanentError): ...


class ServiceUnfit(PermanentError): ...


class ServiceUpdateFailed(PermanentError): ...


class VaultUntrusted(PermanentError): ...


class VaultLoginRefused(PermanentError): ...


class VaultDenied(PermanentError): ...


class VaultMountMissing(PermanentError): ...


class VaultNotVersioned(PermanentError): ...


class VaultPathMissing(PermanentError): ...


class VaultRefused(PermanentError): ...


class ConsumerFunctionMissing(PermanentError): ...


class ConsumerFunctionDenied(PermanentError): ...


class ConsumerFunctionNoJson(PermanentError): ...


class ConsumerFunctionWrong(PermanentError): ...


class ConsumerFunctionLeaks(PermanentError): ...


class ConsumerFunctionRefused(PermanentError): ...


class EndpointTooSlow(PermanentError): ...


class RolloutTooSlow(PermanentError): ...


class DrainTooSlow(PermanentError): ...


class PrimaryUnknown(PermanentError): ...


class SecondaryUnknown(PermanentError): ...


class KeyNotHandedIn(PermanentError): ...


class KeyKnown(PermanentError): ...


class NotOnSlots(PermanentError): ...


class TrafficElsewhere(PermanentError): ...


class VersionUnknown(PermanentError): ...


class VersionDiffers(PermanentError): ...


class RunEnded(PermanentError): ...


class RunTooSlow(PermanentError): ...


class SecretNotFinished(PermanentError): ...


class FleetInvalid(PermanentError): ...


class NotAnnounced(PermanentError): ...


class UnexpectedError(PermanentError): ...
