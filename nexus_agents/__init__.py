"""Nexus: a workstation of agents for people who own their models."""
