"""What is known about a run, as frozen records of plain values and NumPy arrays.

No tensor leaves the model, training and search rooms: what comes out of them is one of these.
"""

from workbench.records.attribution import (
    Attribution,
    Method,
    WantedAttention,
)
from workbench.records.diagnosis import (
    Diagnoses,
    Diagnosis,
    Fall,
    Fault,
    FaultBin,
    Surprise,
    WorthALook,
)
from workbench.records.sentences import (
    Alignment,
    BeamRecord,
    Candidate,
    Floats,
    Hypothesis,
    Integers,
    Link,
    Translation,
)
from workbench.records.states import (
    Neighbour,
    Place,
    Projection,
    States,
)
from workbench.records.training import (
    BadLine,
    Block,
    Evaluation,
    GpuReading,
    Progress,
    Reading,
    Trial,
)

__all__ = [
    "Alignment", "Attribution", "BadLine", "BeamRecord", "Block", "Candidate", "Diagnoses",
    "Diagnosis", "Evaluation", "Fall", "Fault", "FaultBin", "Floats", "GpuReading",
    "Hypothesis", "Integers", "Link", "Method", "Neighbour", "Place", "Progress", "Projection",
    "Reading", "States", "Surprise", "Translation", "Trial", "WantedAttention", "WorthALook",
]  # fmt: skip
