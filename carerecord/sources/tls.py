"""TLS for what is heard: its certificate, key and authority of clients, or a sentence that says which is wrong."""

from __future__ import annotations

import ssl
from pathlib import Path

from carerecord.settings import Settings


class TlsDoesNotFit(RuntimeError):
    """Nothing can be heard over TLS: the sentence says which file cannot be used, and by which setting it is named."""


def tls_context(settings: Settings) -> ssl.SSLContext | None:
    """TLS 1.2 or newer where a certificate is set; a client certificate is required where an authority is."""
    if not settings.listen_tls_certificate:
        return None
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    certificate, key = settings.listen_tls_certificate, settings.listen_tls_key
    _check_readable(
        ("CERTIFICATE", certificate), ("KEY", key), ("CLIENT_AUTHORITY", settings.listen_tls_client_authority)
    )
    named = "CARERECORD_LISTEN_TLS_CERTIFICATE and CARERECORD_LISTEN_TLS_KEY"
    try:
        # A key behind a pass phrase is refused: there is nobody to ask, and to ask would wait for ever.
        context.load_cert_chain(certificate, key or None, password=lambda: b"")
        if settings.listen_tls_client_authority:
            named = "CARERECORD_LISTEN_TLS_CLIENT_AUTHORITY"
            context.load_verify_locations(settings.listen_tls_client_authority)
            context.verify_mode = ssl.CERT_REQUIRED
    except ssl.SSLError as wrong:
        raise TlsDoesNotFit(
            f"{named}: not PEM, not a pair, or behind a pass phrase ({wrong.reason or 'unreadable'}): correct it."
        ) from wrong
    return context


def _check_readable(*files: tuple[str, str]) -> None:
    for setting, name in files:
        try:
            if name:
                Path(name).read_bytes()
        except OSError as refused:
            raise TlsDoesNotFit(
                f"CARERECORD_LISTEN_TLS_{setting} names {name}, which cannot be read ({refused.strerror}): correct it, "
                "or let the listening process's user read it."
            ) from refused
