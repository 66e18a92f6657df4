"""Pictures, clips and sounds, made in worker processes."""
