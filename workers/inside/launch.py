"""Starts an asset: `python launch.py JOB`, JOB being a file that job.py describes.

The first thing that happens is that this folder leaves sys.path; the project's folders join it only
after all that we need is imported, so that a project's json.py or pyarrow.py cannot get in between.
"""

import sys

_here = sys.path.pop(0)


def main(path: str) -> None:
    """Run the job that the file describes."""
    package = type(sys)("_fleet_inside")
    package.__path__ = [_here]
    sys.modules["_fleet_inside"] = package
    from _fleet_inside import job  # type: ignore[import-not-found]

    job.run(path)


if __name__ == "__main__":
    main(sys.argv[1])
