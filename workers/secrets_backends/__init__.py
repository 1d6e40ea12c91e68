"""Connections kept in Vault, Doppler, AWS Secrets Manager or Azure Key Vault, read by name."""
