# Looks which version of its secret wp-config.php holds, or writes one into it; without a version the current one.
# Action SecretArn VersionId Candidates Path Owner Mode Page Marker: set by the lines before, or by the environment at boot.
# For any sh (dash, bash), as root. Its one line of output is a JSON object without any secret.

: "${Action:=write}" "${SecretArn:?}" "${Path:=/var/www/html/wp-config.php}"
umask 077
PATH=${PATH:-/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin}
export PATH

# What became of the file, and why: refused if no php was at it; unknown if one was, and died.
no_php() {
  printf '{"file":"%s","holds":"unreadable","page":"not asked","reason":"PhpMissing","detail":"%s"}\n' "$1" "$2"
  exit 1
}

php=$(command -v php) || no_php refused 'there is no php on the PATH of the agent; install the command line PHP (php-cli)'
"$php" -r 'exit((int) (PHP_VERSION_ID < 70400));' >/dev/null 2>&1 || no_php refused 'does php -v work, and is it 7.4 or later?'

# One run at a time in a folder. A single-quoted text of a shell needs no file in /tmp, as a here-document would.
folder=$(dirname "$(readlink -f "$Path")")
[ ! -r "$folder" ] || { exec 9<"$folder" && flock -w 120 9; } 2>/dev/null
REWRITER=@REWRITER@

answer=$("$php" -d auto_prepend_file= -d auto_append_file= -d disable_functions= -d open_basedir= -d display_errors=0 -d log_errors=0 \
  -d allow_url_fopen=0 -r "$REWRITER" -- "$Action" "$SecretArn" "${VersionId-}" "${Candidates-}" "$Path" "${Page-}" "${Marker-}" "${Owner-}" "${Mode-}" \
  3>&1 >/dev/null 2>&1)
status=$?
[ -n "$answer" ] || no_php unknown "php ended with $status and no answer: was it killed? Look at the memory and the kernel log"
printf '%s\n' "$answer"
exit "$status"
