"""OpenEMR's sqlconf.php on EFS."""
