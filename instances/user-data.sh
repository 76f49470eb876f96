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
# Writes the current login into wp-config.php before a web server can serve a request with an old one.
# /etc/wp-config.conf says SecretArn=… and, where it is elsewhere, Path=…
[Unit]
Description=The current database login into wp-config.php
Wants=network-online.target
After=network-online.target remote-fs.target
Before=httpd.service apache2.service nginx.service lighttpd.service php-fpm.service
Before=php7.4-fpm.service php8.1-fpm.service php8.2-fpm.service php8.3-fpm.service php8.4-fpm.service
ConditionPathExists=/etc/wp-config.conf

[Service]
Type=oneshot
RemainAfterExit=yes
EnvironmentFile=/etc/wp-config.conf
# The network and the role's credentials may take a while after a start.
ExecStart=/bin/sh -c 'for try in 1 2 3 4 5 6 7 8; do /usr/local/sbin/wp-config && exit 0; sleep 3; done; exit 1'
TimeoutStartSec=180

[Install]
WantedBy=multi-user.target
UNIT
systemctl daemon-reload
systemctl enable --now wp-config.service
