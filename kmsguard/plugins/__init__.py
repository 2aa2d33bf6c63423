"""What other scanners load to run kmsguard's rules."""
