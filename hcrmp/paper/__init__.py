"""The paper's tables on a published protocol: ``hcrmp reproduce paper table=1``."""
