"""Asking an LDAP directory who somebody is; needs the extra `octopus[ldap]`."""
