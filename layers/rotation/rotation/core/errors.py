"""Every way a step can fail, by the name that the state machine matches and the runbook explains.

    RotationError
    ├── TransientError              trying again may help: the state machine does, with back-off
    │   ├── SecretStoreUnavailable    Secrets Manager or KMS did not answer, or throttled
    │   ├── SecretVersionMissing      Secrets Manager does not know a version: not yet, if it was just put, or not any more
    │   ├── TargetStoreUnavailable    Parameter Store, or the bucket of a fleet, did not answer, or throttled
    │   ├── OwnerUnknown              Step Functions did not say whether another execution runs, or how it ended
    │   ├── SourceUnreachable         the database did not answer, or the connection was lost
    │   ├── SourceReadOnly            we reached a reader, or a writer in the middle of a fail-over
    │   ├── SourceBusy                another session holds our lock on the database
    │   ├── SourceLags                a provider does not yet act by what it was told: a new key, or the end of an old one
    │   ├── FileSystemUnavailable     EFS did not answer, or did not (yet) allow the write
    │   ├── ClusterUnavailable        the Kubernetes API did not answer
    │   ├── ClusterConflict           somebody else changed the object at the same moment
    │   ├── FleetUnavailable          EC2, Auto Scaling or Systems Manager did not answer, or throttled
    │   ├── SwarmUnavailable          no manager of the Swarm answered, or the managers have no quorum
    │   ├── SwarmConflict             a service or secret of the Swarm was changed at the same moment
    │   ├── VaultUnavailable          Vault did not answer
    │   ├── VaultSealed               Vault is sealed
    │   ├── VaultStandby              this node of Vault is a standby, and leads to no active one
    │   ├── VaultThrottled            Vault answers that there were too many requests
    │   ├── VaultTokenExpired         our token does not hold any more; the next try logs in anew
    │   ├── VaultConflict             somebody else wrote the path at the same moment
    │   ├── ConsumerFunctionUnavailable  Lambda did not run the target's own function, or that cannot reach its place now
    │   ├── ConsumerFunctionThrottled  Lambda had no room to run the target's own function
    │   ├── ConsumerFunctionTimedOut  the target's own function did not answer in time; what it did is looked at
    │   ├── ConsumerFunctionFailed    the target's own function ended with an error of its own
    │   ├── ConsumerFunctionConflict  the place of the target's own function holds another version than was seen
    │   ├── ServiceBusy               an update of the service by somebody else is under way
    │   ├── AppUnhealthy              the health URL did not show the application working
    │   └── NoFreeSlot                the next slot, or each of a first rotation, is in use, maybe by sessions that are ending
    └── PermanentError              trying the same again cannot help
        ├── TargetNotFound            no such target document
        ├── TargetInvalid             the target document breaks its schema; the field is named
        ├── SecretInvalid             a secret is missing, marked for deletion or lacks a field; the field is named
        ├── SecretDenied              IAM, the secret's policy or its KMS key denies this function what it needs of a secret
        ├── RotationAlreadyRunning    a living execution holds AWSPENDING
        ├── RotationSuperseded        AWSPENDING is no longer ours: another run, or a human, took over
        ├── SituationChanged          what was seen was no longer so when it was to be claimed, or a password to be set
        ├── SourceUntrusted           the database offers no TLS, or a certificate that the target's CA does not vouch for
        ├── AdminLoginUnknown         no known password of the admin logs in
        ├── LoginRefused              a credential that should be used does not log in
        ├── AccountLocked             the database refuses the account whatever its password
        ├── AccountAmbiguous          more than one account of that name: which one is meant is for a human
        ├── PasswordRejected          the database's password policy refused every password offered
        ├── SlotInUse                 changing this user's password could cut off somebody who uses it
        ├── RetiredPasswordAccepted   the old password still logs in after it was discarded
        ├── SourceRefused             the database refused a statement for another reason; its code is given
        ├── SourceNotSaved            a node of Redis cannot save its users: a restart would undo what is done
        ├── SourceUnsettled           what verifiers read is changed again and again, so that nobody knows what all of them have
        ├── UnknownKey                a provider has a key that the record does not know; its id, age and last use are given
        ├── NoRoomForKey              a provider has as many keys as it allows
        ├── SqlconfMissing            there is no such file
        ├── SqlconfUnsupported        the file assigns a value in a way we cannot rewrite; the line is named
        ├── ConsumerDiffers           what was published does not read back as it was written
        ├── ClusterObjectMissing      no such Secret or workload
        ├── ClusterRefused            the Kubernetes API refused us; its reason is given
        ├── RolloutPaused             the Deployment is paused: it would never roll
        ├── WorkloadUnfit             a restart of the workload would not replace every pod of it; why is named
        ├── RolloutFailed             Kubernetes says that the rollout exceeded its progress deadline
        ├── FleetDenied               IAM denies this function what it needs of the instances
        ├── InstancesMissing          no instance in service has the tag
        ├── InstanceSilent            an instance in service did not answer within the rollout deadline
        ├── CommandFailed             a command ended on an instance with an error that it did not explain
        ├── CommandTimedOut           a command was still at work on an instance when its time was up
        ├── CommandNotDelivered       an instance in service did not take a command in time
        ├── CommandUndeliverable      a command could not be delivered to an instance in service
        ├── CommandTerminated         an instance was not told any more, since the command had failed elsewhere
        ├── CommandCancelled          a person cancelled a command
        ├── WpConfigMissing           an instance has no such wp-config.php
        ├── WpConfigUnsupported       a wp-config.php sets a value in a way we cannot rewrite; the line is named
        ├── WpConfigReadOnly          an instance may not replace its wp-config.php
        ├── DiskFull                  an instance has no room for another wp-config.php
        ├── PhpMissing                an instance has no PHP to read its wp-config.php
        ├── SecretUnreadable          an instance could not read the application's secret with its own role
        ├── PageBad                   an instance does not show its own page with the new credential
        ├── SwarmUntrusted            a manager of the Swarm does not speak TLS as the target asks, or nobody vouches for it
        ├── SwarmDenied               a manager refused our certificate, or that has expired
        ├── SwarmObjectMissing        no such service or secret in the Swarm
        ├── SwarmRefused              a manager of the Swarm refused a call for another reason; its status is given
        ├── SwarmValueTooLarge        a login is more than a Swarm secret holds
        ├── ServiceUnfit              the service cannot be updated task by task as it is; why is named
        ├── ServiceUpdateFailed       the Swarm paused the update of a service, or took it back
        ├── VaultUntrusted            Vault does not speak TLS as the target asks, or nobody vouches for it
        ├── VaultLoginRefused         Vault refuses the login of the target's role
        ├── VaultDenied               the policies of that role do not allow what was asked
        ├── VaultMountMissing         nothing is mounted in Vault where the target says
        ├── VaultNotVersioned         what is mounted there is no key-value store of version 2: it has no check-and-set
        ├── VaultPathMissing          there is no such path
        ├── VaultRefused              Vault refused a call for another reason; its status is given
        ├── ConsumerFunctionMissing   there is no such function, or no such alias or version of it
        ├── ConsumerFunctionDenied    IAM, or the key of the function's variables, keeps us from running it
        ├── ConsumerFunctionNoJson    the target's own function answered with something that is no JSON
        ├── ConsumerFunctionWrong     the target's own function answered otherwise than its contract says
        ├── ConsumerFunctionLeaks     the target's own function answers with something that looks like a credential
        ├── ConsumerFunctionRefused   the target's own function cannot read the secret, or its place does not take the credential
        ├── EndpointTooSlow           the proxy still refuses a login that the database accepts, longer than the target allows
        ├── RolloutTooSlow            not complete within the target's rollout deadline
        ├── DrainTooSlow              the old credential was still in use at the drain's deadline
        ├── PrimaryUnknown            which of a user's two passwords is the primary is unknown, or it is the wrong one
        ├── SecondaryUnknown          the user has a second password that nobody here knows: it may be in use
        ├── KeyNotHandedIn            no new key was handed in that could be used, and nobody here can make one
        ├── KeyKnown                  the key that is handed in is no new one
        ├── NotOnSlots                a revocation finds the application on a user that is neither slot
        ├── TrafficElsewhere          Secrets Manager is to rotate a secret that does not move the target's traffic
        ├── VersionUnknown            Secrets Manager asks for a version that is neither pending nor current, or for an unknown step
        ├── VersionDiffers            under Secrets Manager's token is stored what this rotation would not make current
        ├── RunEnded                  the execution that Secrets Manager waits for failed, was rolled back, or is not there
        ├── RunTooSlow                the execution is not as far yet as one call of Secrets Manager may wait
        ├── SecretNotFinished         Secrets Manager's rotation did not make the application's secret current in time
        ├── FleetInvalid              a fleet was started with a setting that is none; it is named
        ├── NotAnnounced              the SNS topic did not take a message
        └── UnexpectedError           a bug: the type and place are given, never the text

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
