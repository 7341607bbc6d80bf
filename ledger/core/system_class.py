"""The classes of systems that sources are of, after the plant's own terms."""

from enum import StrEnum


class SystemClass(StrEnum):
    """What sort of system a source is; some are of several."""

    ERP = "erp"
    PLM = "plm"
    LIMS = "lims"
    QUALITY_SYSTEM = "quality-system"
    PLC = "plc"
    DCS = "dcs"
    SCADA = "scada"
    HISTORIAN = "historian"
    MES = "mes"
    MAINTENANCE = "maintenance"
    DIRECTORY = "directory"
    CHROMATOGRAPHY = "chromatography"
    INSTRUMENT = "instrument"
    BUILDING = "building-monitoring"
    BADGE = "door-badges"
    TRAINING = "training"
    REMOTE_ACCESS = "remote-access"
    PATCHING = "patching"
    BACKUP = "backup"
    SERVERS = "servers-and-network"
    TIME = "time-synchronisation"
