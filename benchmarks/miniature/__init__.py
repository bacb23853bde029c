"""The five reports' recipes in miniature: trained on real sounds within minutes, and their claims put to the test."""
