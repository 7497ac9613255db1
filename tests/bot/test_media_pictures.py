"""People's pictures through the real worker: bombs, lies and secrets in, plain pixels out."""

from __future__ import annotations

import io
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import httpx
import pytest
from PIL import ExifTags, Image, ImageCms, PngImagePlugin

from bot.media import BadImage, Media, sniff
from tests.bot.media_samples import make_picture


@pytest.fixture
async def media(tmp_path: Path) -> AsyncIterator[Media]:
    async with httpx.AsyncClient() as http:
        yield Media(http, tmp_path, loopback_ok=lambda _: False)


def still(width: int = 64, height: int = 48, colour: str = "red", mode: str = "RGB") -> Image.Image:
    return Image.new("RGB", (width, height), colour).convert(mode)


def saved(image: Image.Image, kind: str, **options) -> bytes:
    file = io.BytesIO()
    image.save(file, kind, **options)
    return file.getvalue()


def photo() -> bytes:
    """A phone's JPEG: lying on its side, and telling where it was taken."""
    exif = Image.Exif()
    exif[ExifTags.Base.Orientation] = 6
    exif[ExifTags.Base.Make] = "PhoneMaker"
    exif.get_ifd(ExifTags.IFD.GPSInfo)[ExifTags.GPS.GPSLatitudeRef] = "N"
    return saved(make_halves(), "JPEG", exif=exif, quality=95, comment=b"secret place")


def make_halves(width: int = 96, height: int = 64) -> Image.Image:
    image = still(width, height, "red")
    image.paste("blue", (width // 2, 0, width, height))
    return image


def animated(kind: str) -> bytes:
    return saved(still(), kind, save_all=True, append_images=[still(colour="blue")])


@pytest.mark.parametrize(
    ("kind", "suffix", "mime"),
    [
        ("JPEG", ".png", "image/png"),
        ("PNG", ".jpg", "image/jpeg"),
        ("WEBP", ".png", "image/png"),
        ("AVIF", ".jpeg", "image/jpeg"),
    ],
)
async def test_picture_when_good_is_made_anew(media, tmp_path, kind, suffix, mime):
    source, to = tmp_path / "source", tmp_path / f"to{suffix}"
    source.write_bytes(saved(make_halves(), kind))
    made = await media.prepare_image(source, to)
    with Image.open(to) as image:
        assert image.size == (made.width, made.height) == (96, 64)
        assert image.getpixel((10, 30)) == pytest.approx((254, 0, 0), abs=6)
    assert (sniff(to), made.mime, made.size_bytes) == (mime, mime, to.stat().st_size)


async def test_picture_when_from_a_phone_is_upright_and_tells_nothing(media, tmp_path):
    (tmp_path / "a.jpg").write_bytes(photo() + b"PK\x03\x04 <script>tail</script>")
    await media.prepare_image(tmp_path / "a.jpg", tmp_path / "b.jpg")
    with Image.open(tmp_path / "b.jpg") as image:
        assert image.size == (64, 96)
        assert image.getpixel((30, 10))[0] > 200  # type: ignore[index] # RGB gives a tuple
        assert len(image.getexif()) == 0
        assert set(image.info) <= {"jfif", "jfif_version", "jfif_unit", "jfif_density"}
    data = (tmp_path / "b.jpg").read_bytes()
    assert not any(word in data for word in (b"PhoneMaker", b"secret place", b"GPS", b"script"))


async def test_picture_when_it_has_text_chunks_loses_them(media, tmp_path):
    info = PngImagePlugin.PngInfo()
    info.add_text("Author", "secret name")
    (tmp_path / "a.png").write_bytes(saved(still(), "PNG", pnginfo=info))
    await media.prepare_image(tmp_path / "a.png", tmp_path / "b.png")
    assert b"secret name" not in (tmp_path / "b.png").read_bytes()


async def test_picture_when_a_jpeg_holds_a_second_one_is_a_still(media, tmp_path):
    (tmp_path / "a.jpg").write_bytes(animated("MPO"))
    await media.prepare_image(tmp_path / "a.jpg", tmp_path / "b.png")
    with Image.open(tmp_path / "b.png") as image:
        assert image.getpixel((9, 9)) == pytest.approx((254, 0, 0), abs=3)


BROKEN: dict[str, tuple[Callable[[], bytes], str]] = {
    "bomb of one bit": (lambda: saved(Image.new("1", (8000, 8000)), "PNG"), "40 megapixels"),
    "bomb of 144 megapixels": (lambda: saved(Image.new("1", (12000, 12000)), "PNG"), "pixels"),
    "endless ribbon": (lambda: saved(Image.new("1", (9000, 4)), "PNG"), "8192 on a side"),
    "moving png": (lambda: animated("PNG"), "animated"),
    "moving webp": (lambda: animated("WEBP"), "animated"),
    "moving avif": (lambda: animated("AVIF"), "animated"),
    "gif": (lambda: animated("GIF"), "not a JPEG, PNG, WebP or AVIF"),
    "eps": (lambda: saved(still(), "EPS"), "not a JPEG"),
    "tiff": (lambda: saved(still(), "TIFF"), "not a JPEG"),
    "half a jpeg": (lambda: cut(saved(noise(), "JPEG"), 0.5), "could not be read"),
    "half a png": (lambda: cut(saved(noise(), "PNG"), 0.5), "could not be read"),
    "page": (lambda: b"<html><body>404</body></html>", "not a JPEG"),
    "nothing": (lambda: b"", "not a JPEG"),
    "heic": (lambda: b"\0\0\0\x18ftypheic\0\0\0\0mif1heic", "save it as JPEG or PNG"),
}


def noise() -> Image.Image:
    return Image.effect_noise((200, 200), 90)


def cut(data: bytes, share: float) -> bytes:
    return data[: int(len(data) * share)]


async def test_picture_when_missing_is_refused(media, tmp_path):
    with pytest.raises(BadImage, match="cannot be opened"):
        await media.prepare_image(tmp_path / "nothing", tmp_path / "b.png")


@pytest.mark.parametrize("name", BROKEN)
async def test_picture_when_bad_is_refused_in_plain_words(media, tmp_path, name):
    make, reason = BROKEN[name]
    (tmp_path / "a").write_bytes(make())
    with pytest.raises(BadImage, match=reason) as caught:
        await media.prepare_image(tmp_path / "a", tmp_path / "b.png")
    assert caught.value.user_message.startswith("The picture ")
    assert not (tmp_path / "b.png").exists()


@pytest.mark.parametrize(
    ("image", "kind", "expected"),
    [
        (Image.new("RGBA", (64, 64), (0, 0, 0, 0)), "PNG", (255, 255, 255)),
        (Image.new("I;16", (64, 64), 32768), "PNG", (128, 128, 128)),
        (Image.new("L", (64, 64), 77), "PNG", (77, 77, 77)),
        (still(mode="P"), "PNG", (255, 0, 0)),
        (still(mode="CMYK"), "JPEG", (254, 0, 0)),
    ],
    ids=["clear", "deep", "grey", "palette", "print"],
)
async def test_picture_when_its_mode_is_unusual_becomes_rgb(media, tmp_path, image, kind, expected):
    (tmp_path / "a").write_bytes(saved(image, kind))
    await media.prepare_image(tmp_path / "a", tmp_path / "b.png")
    with Image.open(tmp_path / "b.png") as made:
        assert made.mode == "RGB"
        assert made.getpixel((32, 32)) == pytest.approx(expected, abs=2)


@pytest.mark.parametrize("profile", ["real", "broken"])
async def test_picture_when_it_has_a_profile_loses_it(media, tmp_path, profile):
    srgb = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    icc = srgb if profile == "real" else b"no profile"
    (tmp_path / "a.jpg").write_bytes(saved(still(), "JPEG", icc_profile=icc))
    await media.prepare_image(tmp_path / "a.jpg", tmp_path / "b.jpg")
    with Image.open(tmp_path / "b.jpg") as made:
        assert "icc_profile" not in made.info
        assert made.getpixel((9, 9)) == pytest.approx((254, 0, 0), abs=3)


@pytest.mark.parametrize(
    ("ask", "size"),
    [
        ({"exact": (1280, 720)}, (1280, 720)),
        ({"exact": (33, 51)}, (33, 51)),
        ({"max_side": 40}, (40, 27)),
        ({"max_side": 4000}, (96, 64)),
    ],
)
async def test_picture_when_a_size_is_asked_gets_it(media, tmp_path, ask, size):
    source = make_picture(tmp_path / "a.png")
    made = await media.prepare_image(source, tmp_path / "b.png", **ask)
    assert (made.width, made.height) == size


async def test_picture_when_cropped_exactly_keeps_the_middle(media, tmp_path):
    source = make_picture(tmp_path / "a.png", (300, 100))
    await media.prepare_image(source, tmp_path / "b.png", exact=(100, 100))
    with Image.open(tmp_path / "b.png") as made:
        assert made.getpixel((10, 50)) == (255, 0, 0)
        assert made.getpixel((90, 50)) == (0, 0, 255)
