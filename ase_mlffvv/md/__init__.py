"""Molecular dynamics jobs."""

from .job import Interrupted, RunSettings, read_log, read_settings, resume, start, summary

__all__ = ['Interrupted', 'RunSettings', 'read_log', 'read_settings', 'resume', 'start', 'summary']
