"""Proofs: backups that were restored into a throwaway database and checked, with what that showed, signed."""
