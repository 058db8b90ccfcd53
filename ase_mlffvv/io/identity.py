"""Identity of a job: its settings as plain data, their digest, and the differences between two identities."""

from __future__ import annotations

import hashlib
import json


def plain(identity):
    """Identity as JSON data, with tuples as lists and keys as text; raises TypeError for other data."""
    try:
        return json.loads(json.dumps(identity, allow_nan=False))
    except (TypeError, ValueError) as error:
        raise TypeError(
            f'settings must be finite numbers, text, lists and dicts of these ({error}): {identity}'
        ) from None


def digest_of(identity):
    """SHA-256 digest of an identity."""
    return hashlib.sha256(json.dumps(identity, sort_keys=True).encode()).hexdigest()


def digest_of_file(path):
    """SHA-256 digest of the content of a file."""
    with open(path, 'rb') as file:
        digest = hashlib.sha256()
        while block := file.read(2**20):
            digest.update(block)
    return digest.hexdigest()


def differences(before, now):
    """Settings in which two identities differ, as text with both values; nested names read ``thermostat.taut``."""
    before, now = _flat(plain(before)), _flat(plain(now))
    return [f'{key}: {_show(before, key)} before, {_show(now, key)} now'
            for key in sorted({*before, *now}) if before.get(key, ...) != now.get(key, ...)]  # fmt: skip


def _flat(settings, prefix=''):
    out = {}
    for key, value in settings.items():
        out.update(_flat(value, f'{prefix}{key}.') if isinstance(value, dict) and value else {f'{prefix}{key}': value})
    return out


def _show(settings, key):
    if key not in settings:
        return 'not given'
    text = json.dumps(settings[key], ensure_ascii=False)
    return text if len(text) <= 60 else f'{text[:56]} ...'
