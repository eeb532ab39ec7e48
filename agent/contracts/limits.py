"""Every number of the protocol in one place, with the relations that must hold between them.

`docs/timeouts.md` explains them; all times are seconds on the receiver's monotonic clock.
"""

PROTOCOL_VERSION = 1
# The server speaks its own version and two older ones, so that agents may lag behind.
SUPPORTED_PROTOCOLS = (1,)

KIB = 1024
MIB = 1024 * KIB

# Frames. A control frame is JSON text; an output frame is binary and carries at most one spool
# frame, so MAX_FRAME only needs room for the larger of the two.
MAX_CONTROL_FRAME = 256 * KIB
MAX_OUT_PAYLOAD = 64 * KIB
MAX_FRAME = MAX_CONTROL_FRAME + KIB
# A `run` whose spec is larger than this carries `spec_ref`; the rest of the frame fits beside it.
MAX_INLINE_SPEC = MAX_CONTROL_FRAME - 4 * KIB
MAX_SPEC = 64 * MIB
MAX_LISTED_COMMANDS = 1000

# Heartbeat. PING_INTERVAL + PING_TIMEOUT + CLOSE_TIMEOUT <= 22 s finds a half-open link;
# TCP_USER_TIMEOUT equals the first two so that the kernel gives up no later than we do.
PING_INTERVAL = 10.0
PING_TIMEOUT = 10.0
CLOSE_TIMEOUT = 1.0
TCP_USER_TIMEOUT = 20.0
OPEN_TIMEOUT = 10.0
HELLO_TIMEOUT = 10.0
WELCOME_TIMEOUT = 10.0

# Reconnect: full jitter over min(RECONNECT_MAX, RECONNECT_BASE * 2**attempt); the attempt counter
# falls back to zero only after a session has lived for STABLE_SESSION, so flapping keeps its delay.
RECONNECT_BASE = 0.5
RECONNECT_MAX = 30.0
STABLE_SESSION = 60.0

# Answers. A `run` or `cancel` without an answer is sent again on the same session after RESEND;
# RESEND is far below PING timeouts, because an agent that answers pings answers these at once.
RESEND = 5.0
PROGRESS_INTERVAL = 10.0

# Output. OUT_BATCH_DELAY or OUT_BATCH_BYTES, whichever comes first, bounds the delay to a viewer.
OUT_BATCH_BYTES = MAX_OUT_PAYLOAD
OUT_BATCH_DELAY = 0.2
# The first output after a quiet time waits only this long, for what belongs to it.
OUT_LEAD_DELAY = 0.05
# Nothing is told of a command before this, so that a short one is told in one go.
FIRST_LOOK = 0.15
# COMMAND_WINDOW <= CONNECTION_WINDOW; what is unacknowledged beyond them waits in the spool.
COMMAND_WINDOW = 4 * MIB
CONNECTION_WINDOW = 16 * MIB
SPOOL_CAP = 256 * MIB

# Commands.
DEFAULT_TTL = 3600.0
# What a server gives a command that may have to wait until other scripts on the machine have ended.
LONGEST_TURN = 24 * 3600.0
DEFAULT_DEADLINE = 24 * 3600.0
DEFAULT_GRACE = 10.0
MAX_RUNNING = 100
# A tombstone outlives the time in which the server could still offer its id.
TOMBSTONE_RETENTION = 7 * 24 * 3600.0
# Clock jumps must not forget everything at once, so this many tombstones stay whatever their age.
TOMBSTONES_KEPT = 10_000
MIN_FREE_DISK = 32 * MIB

# The package cache of an agent, unless its configuration says otherwise; what is left of a broken
# transfer is continued for PARTIAL_KEPT.
PACKAGE_CACHE = 10 * 1024 * MIB
PARTIAL_KEPT = 24 * 3600.0
# A package may be made of one of the PATCH_BASES used last and a patch, for which the agent waits
# PATCH_PATIENCE, no longer than a usual package takes to come whole; applying one ends after
# PATCH_TIME.
PATCH_BASES = 100
PATCH_PATIENCE = 30.0
PATCH_TIME = 600.0

# Artifacts go over HTTPS in pieces that the server takes whole; one that the server does not take
# for this long is given up, with a warning in the log.
ARTIFACT_PIECE = 8 * MIB
MAX_ARTIFACTS = 1000
ARTIFACT_PATIENCE = 600.0

# Workspaces of released commands. One is kept only if its output is not large and the disk has
# plenty of room; WORKSPACE_FREE_DISK is far above MIN_FREE_DISK, which is looked at every
# WORKSPACE_SWEEP.
WORKSPACE_RETENTION = 600.0
WORKSPACE_KEPT_SIZE = MIB
WORKSPACE_FREE_DISK = 2048 * MIB
WORKSPACE_SWEEP = 10.0

# Upgrade. A new program says its version within UPGRADE_CHECK, must be welcome within UPGRADE_TRIAL
# and then leaves within UPGRADE_LEAVE; scripts may still use the program that started them.
UPGRADE_CHECK = 30.0
UPGRADE_TRIAL = 60.0
UPGRADE_LEAVE = 15.0
OLD_VERSIONS_KEPT = 2

# A peer that keeps sending frames nobody can read is cut off after this many in one session.
MAX_BAD_FRAMES = 100

# WebSocket close codes of the gateway.
CLOSE_GOING_AWAY = 1001
CLOSE_BAD_FRAMES = 4400
CLOSE_UNAUTHORIZED = 4401
CLOSE_NO_HELLO = 4408
CLOSE_SUPERSEDED = 4409
CLOSE_UNSUPPORTED_PROTOCOL = 4426
CLOSE_BUSY = 4429
