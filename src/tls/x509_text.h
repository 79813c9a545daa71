/* SPDX-License-Identifier: MIT */
/*
 * What a certificate says, as text for people and handlers: printable ASCII, whatever the
 * certificate holds. All: allocated, the caller's to free(); NULL if the certificate has
 * no such thing, if the text would be longer than max bytes, or if memory is out. Half a
 * name is never given, as it might be somebody else's.
 */
#ifndef TINCAN_TLS_X509_TEXT_H
#define TINCAN_TLS_X509_TEXT_H

#include <stddef.h>

#include <openssl/x509.h>

/* RFC 4514, the last part first: "CN=alice,O=Example". What is no ASCII is escaped. */
char *x509_text_name(const X509_NAME *name, size_t max);

/*
 * The subject's alternative names (RFC 5280 section 4.2.1.6), in their order, with a
 * space between them: "DNS:a.test", "email:a@b.test", "URI:spiffe://c/d", "IP:192.0.2.1".
 * Other kinds are left out, and so are names with a character that is not visible ASCII:
 * no rightful one has any, and none can be taken for two.
 */
char *x509_text_sans(const X509 *certificate, size_t max);

/* Small hexadecimal digits: the serial number; the SHA-256 of the certificate. */
char *x509_text_serial(const X509 *certificate, size_t max);
char *x509_text_fingerprint(const X509 *certificate);

/* "2026-01-31T23:59:59Z" (RFC 3339). */
char *x509_text_time(const ASN1_TIME *time);

#endif
