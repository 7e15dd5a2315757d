"""Roads: OpenDRIVE maps, read or generated, compiled to lane graphs."""
