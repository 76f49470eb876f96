#!/bin/sh
# User data of a launch template, for an image that has not got the boot unit: brings it onto the instance and runs it.
# Set the three. The role needs ssm:GetDocument, which AmazonSSMManagedInstanceCore has, and the instance the aws CLI and PHP.
set -eu
SecretArn='arn:aws:secretsmanager:REGION:ACCOUNT:secret:NAME'
Path='/var/www/html/wp-config.php'
Document='credential-rotation-wp-config'

region=$(printf %s "$SecretArn" | cut -d: -f4)
umask 022
printf "SecretArn=%s\nPath=%s\n" "$SecretArn" "$Path" >/etc/wp-config.conf
# The document's script, without the lines that its parameters are put into.
{
  echo '#!/bin/sh'
  aws ssm get-document --region "$region" --name "$Document" --document-format JSON --query Content --output text |
    php -r 'echo implode("\n", json_decode(stream_get_contents(STDIN))->mainSteps[0]->inputs->runCommand);' |
    sed "/^[A-Za-z]*='{{ [A-Za-z]* }}'\$/d"
} >/usr/local/sbin/wp-config
chmod 755 /usr/local/sbin/wp-config
cat >/etc/systemd/system/wp-config.service <<'UNIT'
@UNIT@
UNIT
systemctl daemon-reload
systemctl enable --now wp-config.service
