"""Kie's wire protocol served locally: real requests, real files, real clips, no bill."""
