"""Rules about what the functions consist of: nothing that the release does not name, on the processor that is meant."""

from typing import Final

from policies.model import FUNCTION, WARNING, Node, Rule, Stack
from policies.program import own_functions
from policies.sources import LAMBDA_GUIDE
from policies.traps import Trap, sprung

_ARCHITECTURE: Final = "arm64"


def _is_own(stack: Stack, node: Node) -> bool:
    return node in own_functions(stack)


RULES: Final = (
    Rule(
        id="function-code",
        title="Functions run what the release names, and nothing besides",
        sources=(f"{LAMBDA_GUIDE}: layers, file systems, container images", "docs/promotion.md: one digest"),
        check=sprung(
            Trap(
                type=FUNCTION,
                path=("layers",),
                bites=bool,
                what="layers bring code that the release's digest does not hold: {value}",
                mend="remove layers; what the functions need is in their archives",
                concerns=_is_own,
            ),
            Trap(
                type=FUNCTION,
                path=("fileSystemConfig",),
                bites=bool,
                what="it mounts a file system, which it reaches from a VPC only, and waits for at each cold start",
                mend="remove fileSystemConfig; state belongs in the tables",
                concerns=_is_own,
            ),
            Trap(
                type=FUNCTION,
                path=("packageType",),
                bites=lambda value: value not in (None, "Zip"),
                what="its code is an {value}, not the archive that was built here",
                mend="set packageType to Zip, and code to the archive",
                concerns=_is_own,
            ),
            Trap(
                type=FUNCTION,
                path=("s3Bucket",),
                bites=bool,
                what="its code is in bucket {value}, not the archive that was built here",
                mend="remove s3Bucket and s3Key, and set code to the archive",
                concerns=_is_own,
            ),
            Trap(
                type=FUNCTION,
                path=("codeSigningConfigArn",),
                bites=bool,
                what="it takes signed code only ({value}), and its archive is not signed",
                mend="remove codeSigningConfigArn",
                concerns=_is_own,
            ),
            Trap(
                type=FUNCTION,
                path=("imageUri",),
                bites=bool,
                what="its code is the image {value}, not the archive that was built here",
                mend="remove imageUri, and set code to the archive",
                concerns=_is_own,
            ),
        ),
    ),
    Rule(
        id="function-architecture",
        title="Functions run on arm64",
        sources=(f"{LAMBDA_GUIDE}: arm64 costs a fifth less", "docs/costs.md"),
        severity=WARNING,
        check=sprung(
            Trap(
                type=FUNCTION,
                path=("architectures",),
                bites=lambda value: list(value or ["x86_64"]) != [_ARCHITECTURE],
                what="it runs on {value}: AWS's default is x86_64, which costs a quarter more",
                mend=f"set architectures to [{_ARCHITECTURE}]",
                concerns=_is_own,
            ),
        ),
    ),
    Rule(
        id="log-format",
        title="Functions log JSON",
        sources=(f"{LAMBDA_GUIDE}: log formats (Text is the default)",),
        severity=WARNING,
        check=sprung(
            Trap(
                type=FUNCTION,
                path=("loggingConfig", "logFormat"),
                bites=lambda value: value != "JSON",
                what="its log format is {value}: levels are not told apart, and time-outs and crashes are no JSON",
                mend="set loggingConfig.logFormat to JSON",
                concerns=_is_own,
            ),
        ),
    ),
)
