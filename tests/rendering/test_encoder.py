"""The MP4: what a decoder finds in it, wherever scenes were joined, and what the inspection says of it."""

from collections.abc import Iterable, Iterator
from dataclasses import replace
from fractions import Fraction
from itertools import islice, pairwise
from pathlib import Path

import av
import numpy as np
import pytest
from av.stream import Disposition
from numpy.typing import NDArray

from heygen_graphql.rendering import EncodingFailed, UnfitOutput
from heygen_graphql.rendering.assembly import Part, join
from heygen_graphql.rendering.captions import Cue
from heygen_graphql.rendering.encoder import encode_scene
from heygen_graphql.rendering.inspection import check, inspect
from heygen_graphql.rendering.loudness import PeakMeter, level, measure
from heygen_graphql.rendering.segments.black import BlackCount
from heygen_graphql.rendering.segments.file import SceneFacts

WIDTH, HEIGHT, FRAMES = 320, 180, 63
CUES = [Cue(0.2, 1.24, ("Hello & welcome", "to <the> show")), Cue(1.5, 2.25, ("Привет",))]


def pictures(*, luma: int = 60, frames: int = FRAMES, height: int = HEIGHT) -> Iterator[NDArray[np.uint8]]:
    """A white bar on blue that moves on by four columns a frame, drawn into one array over and over."""
    picture = np.empty((height * 3 // 2, WIDTH), np.uint8)
    planes = picture.reshape(-1)
    blue, red = planes[WIDTH * height :].reshape(2, -1)
    for number in range(frames):
        blue[:], red[:] = 170, 100
        picture[:height] = luma
        if luma > 16:
            picture[:height, number * 4 : number * 4 + 32] = 220
        yield picture


def voice(*, frames: int = FRAMES) -> NDArray[np.float32]:
    """Dull noise in bursts of four a second, as uneven as speech, between the silences of a film."""
    noise = np.random.default_rng(7).standard_normal(frames * 1920)
    dull = np.convolve(noise, np.ones(24) / 24, mode="same")
    bursts = np.sin(2 * np.pi * 4 * np.arange(len(noise)) / 48_000) > -0.4
    bursts[:12_000] = bursts[-24_000:] = False
    return (dull * bursts).astype(np.float32)


def samples(sound: NDArray[np.float32]) -> NDArray[np.int16]:
    return np.rint(sound * 32767).astype(np.int16)


def facts(frames: int = FRAMES, *, black_frames: int = 0, may_be_black: bool = False) -> SceneFacts:
    return SceneFacts("", frames, 2.0, (), (), 3, black_frames, may_be_black)


def film_of(
    target: Path,
    frames: Iterable[NDArray[np.uint8]],
    sound: NDArray[np.float32],
    *,
    size: tuple[int, int] = (WIDTH, HEIGHT),
    cues: list[Cue] | None = None,
    cuts: tuple[int, ...] = (FRAMES,),
) -> Path:
    """A film of these frames, cut into scenes after as many frames each as `cuts` says."""
    drawn, parts = iter(frames), []
    position = 0
    for number, count in enumerate(cuts):
        part = target.with_name(f"{target.stem}-{number}.mp4")
        piece = samples(sound)[position * 1920 : (position + count) * 1920]
        # Segments of one film may come from hosts that differ in their cores.
        encode_scene(part, size=size, frames=islice(drawn, count), sound=piece, threads=1 + number % 3)
        parts.append(Part(part, count))
        position += count
    join(target, parts, cues=cues or [], language="en-GB", title="A show")
    return target


# The first and the last scene are a frame long, and one is a frame longer than a group of pictures.
CUTS = (1, 3, 2, 51, 4, 1, 1)


@pytest.fixture(scope="module", params=[(FRAMES,), CUTS], ids=["one scene", "seven scenes"])
def film(tmp_path_factory: pytest.TempPathFactory, request: pytest.FixtureRequest) -> Path:
    target = tmp_path_factory.mktemp("encoder") / "film.mp4"
    return film_of(target, pictures(), level(voice()), cues=CUES, cuts=request.param)


def test_the_streams_are_what_every_player_takes(film: Path) -> None:
    with av.open(film) as container:
        video, audio = container.streams.video[0], container.streams.audio[0]

        assert (video.codec.name, video.profile, video.pix_fmt) == ("h264", "High", "yuv420p")
        assert (video.width, video.height) == (WIDTH, HEIGHT)
        assert video.average_rate == 25
        assert (audio.codec.name, audio.profile, audio.rate, audio.layout.name) == (
            "aac",
            "LC",
            48_000,
            "stereo",
        )
        assert {video.metadata["language"], audio.metadata["language"]} == {"eng"}
        assert container.metadata["title"] == "A show"


def test_both_streams_start_at_zero_and_end_together(film: Path) -> None:
    with av.open(film) as container:
        for stream in (container.streams.video[0], container.streams.audio[0]):
            assert stream.start_time == 0
            assert stream.duration is not None
            assert stream.time_base is not None
            assert stream.duration * stream.time_base == Fraction(FRAMES, 25)


def test_every_frame_arrives_once_in_order_and_unspoilt_by_the_next(film: Path) -> None:
    with av.open(film) as container:
        decoded = [
            (frame.pts, frame.time, frame.to_ndarray(format="yuv420p")) for frame in container.decode(video=0)
        ]

    assert len(decoded) == FRAMES
    assert [time for _, time, _ in decoded] == [number / 25 for number in range(FRAMES)]
    for (_, _, shown), drawn in zip(decoded, pictures(), strict=True):
        assert np.abs(shown.astype(int) - drawn).mean() < 2


@pytest.mark.parametrize("height", [180, 182])
def test_the_colours_stay_in_their_places_whatever_the_height(height: int, tmp_path: Path) -> None:
    target = tmp_path / "film.mp4"
    film_of(target, pictures(height=height, frames=5), voice(frames=5), size=(WIDTH, height), cuts=(2, 3))

    with av.open(target) as container:
        shown = next(container.decode(video=0)).to_ndarray(format="yuv420p")

    blue, red = shown.reshape(-1)[WIDTH * height :].reshape(2, -1).astype(int)
    assert np.abs(blue - 170).max() < 8
    assert np.abs(red - 100).max() < 8


def test_the_colours_are_tagged_as_bt709(film: Path) -> None:
    with av.open(film) as container:
        frame = next(container.decode(video=0))

    assert (frame.color_primaries, frame.color_trc, frame.colorspace, frame.color_range) == (1, 1, 1, 1)


def test_the_sound_stands_where_it_was_put(film: Path) -> None:
    with av.open(film) as container:
        heard = np.concatenate([frame.to_ndarray()[0] for frame in container.decode(audio=0)])

    sent = level(voice())
    window = slice(24_000, 72_000)
    likeness = {
        lag: float(np.dot(sent[window], heard[window.start + lag : window.stop + lag]))
        for lag in range(-1200, 1201, 4)
    }
    assert max(likeness, key=lambda lag: likeness[lag]) == 0


def test_a_player_can_start_at_least_every_two_seconds(film: Path) -> None:
    with av.open(film) as container:
        packets = list(container.demux(video=0))
    keys = [
        packet.pts * packet.time_base for packet in packets if packet.is_keyframe and packet.pts is not None
    ]

    assert keys[0] == 0
    assert max(end - start for start, end in pairwise([*keys, Fraction(FRAMES, 25)])) <= 2


@pytest.mark.parametrize("frames", [49, 50, 51, 101])
def test_a_scene_does_not_end_with_a_picture_like_the_one_the_next_begins_with(
    frames: int, tmp_path: Path
) -> None:
    scene = tmp_path / "scene.mp4"

    encode_scene(
        scene,
        size=(WIDTH, HEIGHT),
        frames=pictures(frames=frames),
        sound=samples(voice(frames=frames)),
        threads=1,
    )

    with av.open(scene) as container:
        last = max(
            packet.pts for packet in container.demux(video=0) if packet.pts is not None and packet.is_keyframe
        )
        stream = container.streams.video[0]
        assert stream.frames == frames
        assert stream.time_base is not None
        assert last * stream.time_base < Fraction(frames - 1, 25)


def test_the_index_comes_before_the_media_so_that_playing_starts_at_once(film: Path) -> None:
    data = film.read_bytes()

    assert data.index(b"moov") < data.index(b"mdat")


def test_the_caption_track_has_the_cues_with_their_times(film: Path) -> None:
    with av.open(film) as container:
        track = container.streams.subtitles[0]
        found = [
            (packet.pts, packet.duration, bytes(packet)[2:].decode()) for packet in container.demux(track)
        ]
        header = track.codec_context.extradata

    assert track.codec_context.name == "mov_text"
    assert header
    assert [cue for cue in found if cue[2]] == [
        (200, 1040, "Hello & welcome\nto <the> show"),
        (1500, 750, "Привет"),
    ]


def test_a_player_shows_the_caption_track_only_when_asked(film: Path) -> None:
    with av.open(film) as container:
        video, audio, captions = container.streams

    assert Disposition.default in video.disposition
    assert Disposition.default in audio.disposition
    assert Disposition.default not in captions.disposition


def test_times_of_decoding_rise_and_no_frame_is_shown_before_it_is_decoded(film: Path) -> None:
    with av.open(film) as container:
        times = [
            (packet.dts, packet.pts)
            for packet in container.demux(video=0)
            if packet.dts is not None and packet.pts is not None
        ]

    assert len(times) == FRAMES
    assert all(one[0] < two[0] for one, two in pairwise(times))
    assert all(dts <= pts for dts, pts in times)


def test_both_loudspeakers_play_the_same(film: Path) -> None:
    with av.open(film) as container:
        sound = np.concatenate([frame.to_ndarray() for frame in container.decode(audio=0)], axis=1)

    assert np.array_equal(sound[0], sound[1])


def test_a_steady_tone_goes_through_the_joins_of_scenes_without_a_click(tmp_path: Path) -> None:
    tone = (0.3 * np.sin(2 * np.pi * 440 * np.arange(FRAMES * 1920) / 48_000)).astype(np.float32)
    film = film_of(tmp_path / "film.mp4", pictures(), tone, cuts=(20, 1, 22, 20))

    with av.open(film) as container:
        heard = np.concatenate([frame.to_ndarray()[0] for frame in container.decode(audio=0)])

    # Anything but the tone would stand out in its second difference, which magnifies high frequencies.
    noise = (heard[: len(tone)] - tone)[4800:-4800]
    roughness = np.abs(np.diff(heard[: len(tone)], 2))[4800:-4800]
    assert np.abs(noise).max() < 0.01
    assert roughness.max() < 1.6 * np.percentile(roughness, 99)


def test_the_report_measures_the_finished_file(film: Path) -> None:
    report = inspect(film, [facts()])

    assert report.audio_video_offset_ms == 0
    assert report.loudness_lufs == pytest.approx(-16, abs=0.5)
    assert report.true_peak_dbtp < -1
    assert report.black_frames == 0
    assert report.missing_glyphs == 3
    check(report, speech_seconds=2.0)


def fading() -> Iterator[NDArray[np.uint8]]:
    yield from pictures(frames=25)
    yield from pictures(luma=16, frames=38)


def test_black_frames_are_found_in_the_file_and_refused(tmp_path: Path) -> None:
    film = film_of(tmp_path / "film.mp4", fading(), level(voice()), cuts=(25, 38))

    report = inspect(film, [facts(25), facts(38)])

    assert report.black_frames == 38
    with pytest.raises(UnfitOutput, match="38 of its frames are black"):
        check(report, speech_seconds=2.0)


def test_black_frames_between_those_that_are_decoded_were_counted_when_they_were_drawn(
    tmp_path: Path,
) -> None:
    black = BlackCount()
    film = film_of(tmp_path / "film.mp4", black.through(fading(), HEIGHT), level(voice()))

    assert black.frames == 38
    assert inspect(film, [facts(black_frames=black.frames)]).black_frames == 38


def test_black_frames_before_a_dark_background_are_no_fault(tmp_path: Path) -> None:
    film = film_of(tmp_path / "film.mp4", pictures(luma=16), level(voice()))

    assert inspect(film, [facts()]).black_frames == FRAMES
    assert inspect(film, [facts(may_be_black=True)]).black_frames == 0


def test_a_film_that_is_too_quiet_is_refused_for_good(tmp_path: Path) -> None:
    film = film_of(tmp_path / "film.mp4", pictures(), level(voice()) * np.float32(0.5))

    with pytest.raises(UnfitOutput, match=r"-2\d\.\d LUFS") as refusal:
        check(inspect(film, [facts()]), speech_seconds=2.0)
    assert not refusal.value.is_retryable


def test_a_film_whose_sound_ends_early_is_refused(film: Path) -> None:
    report = replace(inspect(film, [facts()]), audio_video_offset_ms=41.0)

    with pytest.raises(UnfitOutput, match="41 ms apart"):
        check(report, speech_seconds=2.0)


def test_a_file_cut_short_is_refused(film: Path, tmp_path: Path) -> None:
    stump = tmp_path / "stump.mp4"
    stump.write_bytes(film.read_bytes()[:2000])

    with pytest.raises(EncodingFailed, match="cannot be read back"):
        inspect(stump, [facts()])


def test_scenes_of_another_size_are_not_joined(tmp_path: Path) -> None:
    parts = []
    for name, height in (("one.mp4", HEIGHT), ("two.mp4", HEIGHT + 2)):
        frames, sound = pictures(height=height, frames=5), samples(voice(frames=5))
        encode_scene(tmp_path / name, size=(WIDTH, height), frames=frames, sound=sound, threads=1)
        parts.append(Part(tmp_path / name, 5))

    with pytest.raises(EncodingFailed, match=r"two\.mp4 was encoded in another way"):
        join(tmp_path / "film.mp4", parts, cues=[], language="en", title=None)


def test_a_scene_that_is_shorter_than_it_should_be_is_not_joined(tmp_path: Path) -> None:
    part = tmp_path / "one.mp4"
    frames, sound = pictures(frames=5), samples(voice(frames=5))
    encode_scene(part, size=(WIDTH, HEIGHT), frames=frames, sound=sound, threads=1)

    with pytest.raises(EncodingFailed, match="not as long"):
        join(tmp_path / "film.mp4", [Part(part, 6)], cues=[], language="en", title=None)


def test_an_error_in_the_drawing_ends_the_encoding(tmp_path: Path) -> None:
    def broken() -> Iterator[NDArray[np.uint8]]:
        yield from pictures(frames=30)
        raise RuntimeError("the pencil broke")

    with pytest.raises(RuntimeError, match="the pencil broke"):
        film_of(tmp_path / "film.mp4", broken(), voice())


def test_a_peak_between_two_samples_is_found() -> None:
    # At a quarter of the sample rate and an eighth of a period off, no sample is above 0.71 of the peak.
    tone = np.sin(2 * np.pi * 12_000 * np.arange(4800) / 48_000 + np.pi / 4).astype(np.float32)
    faded = tone * np.hanning(4800).astype(np.float32)
    meter = PeakMeter()
    for block in np.array_split(faded, 7):
        meter.add(block)

    assert meter.finish() == pytest.approx(0.0, abs=0.2)


@pytest.mark.parametrize("gain", [0.05, 1.0, 40.0], ids=["faint", "plain", "overdriven"])
def test_speech_of_any_level_is_brought_to_one_loudness_with_no_peak_above_the_ceiling(gain: float) -> None:
    clicks = np.zeros(FRAMES * 1920, np.float32)
    clicks[12_000:-24_000:9601] = 3.0

    levelled = level((voice() + clicks) * np.float32(gain))

    meter = PeakMeter()
    meter.add(levelled)
    assert measure([levelled]) == pytest.approx(-16, abs=0.2)
    assert meter.finish() <= -1.9


def test_silence_and_the_shortest_of_sounds_survive_levelling() -> None:
    assert not level(np.zeros(48_000, np.float32)).any()
    assert level(np.zeros(0, np.float32)).size == 0
    assert np.abs(level(voice()[:960])).max() <= 1
