/* SPDX-License-Identifier: MIT */
/* What a certificate says, as text. */
#include "tls/x509_text.h"

#include <arpa/inet.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <openssl/err.h>
#include <openssl/x509v3.h>

#include "base/buffer.h"
#include "base/slice.h"

#define TIME_BYTES 32

static char *copy(const char *data, size_t size)
{
	char *text = malloc(size + 1);

	if (text != NULL) {
		memcpy(text, data, size);
		text[size] = '\0';
	}
	return text;
}

char *x509_text_name(const X509_NAME *name, size_t max)
{
	BIO *out = BIO_new(BIO_s_mem());
	char *text = NULL;
	char *data;
	long size;

	if (out != NULL && X509_NAME_print_ex(out, name, 0, XN_FLAG_RFC2253) >= 0) {
		size = BIO_get_mem_data(out, &data);
		if (size >= 0 && (size_t)size <= max) {
			text = copy(size == 0 ? "" : data, (size_t)size);
		}
	}
	BIO_free(out);
	ERR_clear_error();
	return text;
}

static bool is_visible(struct slice text)
{
	for (size_t i = 0; i < text.size; i++) {
		if (text.data[i] <= 0x20 || text.data[i] >= 0x7f) {
			return false;
		}
	}
	return text.size > 0;
}

static struct slice bytes_of(const ASN1_STRING *string)
{
	return (struct slice){ (const char *)ASN1_STRING_get0_data(string),
		(size_t)ASN1_STRING_length(string) };
}

static int append_san(struct buffer *out, const char *kind, struct slice name)
{
	int rc;

	if (!is_visible(name)) {
		return 0;
	}
	rc = buffer_printf(out, "%s%s:", out->size == 0 ? "" : " ", kind);
	return rc != 0 ? rc : buffer_append(out, name.data, name.size);
}

static int append_address(struct buffer *out, struct slice address)
{
	char text[INET6_ADDRSTRLEN];
	int family = address.size == 4 ? AF_INET : AF_INET6;

	if (address.size != 4 && address.size != 16) {
		return 0;
	}
	return append_san(out, "IP",
	    slice_of(inet_ntop(family, address.data, text, sizeof(text))));
}

static int append_general(struct buffer *out, const GENERAL_NAME *name)
{
	switch (name->type) {
	case GEN_DNS:
		return append_san(out, "DNS", bytes_of(name->d.dNSName));
	case GEN_EMAIL:
		return append_san(out, "email", bytes_of(name->d.rfc822Name));
	case GEN_URI:
		return append_san(out, "URI",
		    bytes_of(name->d.uniformResourceIdentifier));
	case GEN_IPADD:
		return append_address(out, bytes_of(name->d.iPAddress));
	default:
		return 0;
	}
}

char *x509_text_sans(const X509 *certificate, size_t max)
{
	GENERAL_NAMES *names = X509_get_ext_d2i(certificate, NID_subject_alt_name, NULL,
	    NULL);
	struct buffer out;
	char *text = NULL;
	int rc = 0;

	buffer_init(&out, max);
	for (int i = 0; rc == 0 && i < sk_GENERAL_NAME_num(names); i++) {
		rc = append_general(&out, sk_GENERAL_NAME_value(names, i));
	}
	if (rc == 0 && out.size > 0) {
		text = copy(buffer_slice(&out).data, out.size);
	}
	buffer_release(&out);
	GENERAL_NAMES_free(names);
	ERR_clear_error();
	return text;
}

static char *hex_of(const unsigned char *bytes, size_t size)
{
	char *text = malloc(2 * size + 1);

	for (size_t i = 0; text != NULL && i < size; i++) {
		snprintf(text + 2 * i, 3, "%02x", bytes[i]);
	}
	return text;
}

char *x509_text_serial(const X509 *certificate, size_t max)
{
	struct slice serial = bytes_of(X509_get0_serialNumber(certificate));

	return serial.size == 0 || 2 * serial.size > max ? NULL :
	    hex_of((const unsigned char *)serial.data, serial.size);
}

char *x509_text_fingerprint(const X509 *certificate)
{
	unsigned char digest[EVP_MAX_MD_SIZE];
	unsigned size;

	return X509_digest(certificate, EVP_sha256(), digest, &size) == 1 ?
	    hex_of(digest, size) : NULL;
}

char *x509_text_time(const ASN1_TIME *time)
{
	char text[TIME_BYTES];
	struct tm parts;

	if (ASN1_TIME_to_tm(time, &parts) != 1) {
		return NULL;
	}
	return copy(text, strftime(text, sizeof(text), "%Y-%m-%dT%H:%M:%SZ", &parts));
}
