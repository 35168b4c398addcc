"""The floor of recording: PyAV demux and fragmented MP4 mux, run as a process of its own.

`python -m bench.reference_pyav CLIP FOLDER PASSES` prints CPU milliseconds per second of media.
"""

import sys
import time
from pathlib import Path

import av


def remux(clip: Path, target: Path) -> tuple[float, float]:
    """Copy the video of `clip` into fragments: CPU seconds after its first GOP, media seconds likewise."""
    options = {"movflags": "frag_keyframe+empty_moov+default_base_moof"}
    with av.open(str(clip)) as source, av.open(str(target), "w", format="mp4", options=options) as sink:
        track = source.streams.video[0]
        out = sink.add_stream_from_template(track)
        begin_s = begin_cpu = last_s = 0.0
        keys = 0
        for packet in source.demux(track):
            if packet.pts is None or packet.time_base is None:
                continue
            if packet.is_keyframe:
                keys += 1
                if keys == 2:  # opening, probing and the first group are start-up
                    begin_cpu, begin_s = time.process_time(), float(packet.pts * packet.time_base)
            last_s = float((packet.pts + (packet.duration or 0)) * packet.time_base)
            packet.stream = out
            sink.mux(packet)
        return time.process_time() - begin_cpu, last_s - begin_s


def main() -> None:
    """Do the passes and say what they cost."""
    clip, folder, passes = Path(sys.argv[1]), Path(sys.argv[2]), int(sys.argv[3])
    cpu = media = 0.0
    for number in range(passes):
        one_cpu, one_media = remux(clip, folder / f"reference-{number % 4}.mp4")
        cpu, media = cpu + one_cpu, media + one_media
    print(1000 * cpu / media)


if __name__ == "__main__":
    main()
