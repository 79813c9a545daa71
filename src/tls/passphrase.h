/* SPDX-License-Identifier: MIT */
/* Nobody is there to be asked for a passphrase; libcrypto would ask at the terminal. */
#ifndef TINCAN_TLS_PASSPHRASE_H
#define TINCAN_TLS_PASSPHRASE_H

/* A pem_password_cb that gives none: what is encrypted cannot be read. pem_password_cb(3)
 * has the parameters. */
int tls_no_passphrase(char *out, int size, int writing, void *arg);

#endif
