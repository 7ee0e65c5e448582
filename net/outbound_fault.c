/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Turns libcurl and OpenSSL errors into one of our names and a constant sentence for the owner.
 * Their texts are only searched, never shown, since they may hold a URL. Pure.
 */
#include "net/outbound_fault.h"

#include <openssl/x509_vfy.h>
#include <string.h>

#include "core/str.h"

struct meaning {
	const char *part; /* part of a libcurl or OpenSSL message; case is ignored */
	const char *why;
};

/* Why a handshake failed, as far as the two libraries say. */
static const struct meaning handshakes[] = {
	{ "subject name", "certificate not trusted: it is for another name" },
	{ "wrong version number", "handshake failed: the port speaks plain HTTP, not TLS" },
	{ "http request", "handshake failed: the port speaks plain HTTP, not TLS" },
	{ "packet length too long", "handshake failed: the port speaks plain HTTP, not TLS" },
	{ "unsupported protocol",
	  "handshake failed: the destination speaks only TLS older than 1.2" },
	{ "alert protocol version",
	  "handshake failed: the destination speaks only TLS older than 1.2" },
	{ "certificate required", "handshake failed: the destination wants a client certificate" },
	{ "alert bad certificate", "handshake failed: the destination wants a client certificate" },
	{ "handshake failure",
	  "handshake failed: no cipher in common, or the destination wants a client "
	  "certificate" },
};

static const char *explain_words(const char *trouble)
{
	for (size_t i = 0; i < ARRAY_LEN(handshakes); i++) {
		if (strcasestr(trouble, handshakes[i].part))
			return handshakes[i].why;
	}
	return NULL;
}

static const char *explain_certificate(CURL *easy)
{
	long result = X509_V_OK;

	curl_easy_getinfo(easy, CURLINFO_SSL_VERIFYRESULT, &result);
	switch (result) {
	case X509_V_ERR_CERT_HAS_EXPIRED:
		return "certificate not trusted: it has expired";
	case X509_V_ERR_CERT_NOT_YET_VALID:
		return "certificate not trusted: it is not valid yet";
	case X509_V_ERR_DEPTH_ZERO_SELF_SIGNED_CERT:
		return "certificate not trusted: it is self-signed";
	case X509_V_ERR_SELF_SIGNED_CERT_IN_CHAIN:
	case X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT:
	case X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT_LOCALLY:
	case X509_V_ERR_UNABLE_TO_VERIFY_LEAF_SIGNATURE:
		return "certificate not trusted: its issuer is not one we know";
	case X509_V_ERR_HOSTNAME_MISMATCH:
	case X509_V_ERR_IP_ADDRESS_MISMATCH:
		return "certificate not trusted: it is for another name";
	default:
		return NULL;
	}
}

const char *outbound_explain_tls(CURL *easy, const char *trouble)
{
	const char *why = explain_certificate(easy);

	return why ? why : explain_words(trouble);
}

enum answer_fault outbound_fault(CURLcode result, const char *trouble)
{
	/* Since TLS 1.3 the alert comes after the handshake. */
	if (strcasestr(trouble, "certificate required") ||
	    strcasestr(trouble, "alert bad certificate"))
		return ANSWER_TLS;
	switch (result) {
	case CURLE_COULDNT_RESOLVE_HOST:
		return ANSWER_UNRESOLVED;
	case CURLE_COULDNT_CONNECT:
	case CURLE_SEND_ERROR:
	case CURLE_RECV_ERROR:
	case CURLE_GOT_NOTHING:
		return ANSWER_UNREACHED;
	case CURLE_SSL_CONNECT_ERROR:
	case CURLE_PEER_FAILED_VERIFICATION:
	case CURLE_SSL_CERTPROBLEM:
	case CURLE_SSL_CIPHER:
	case CURLE_SSL_CACERT_BADFILE:
	case CURLE_SSL_ISSUER_ERROR:
	case CURLE_SSL_INVALIDCERTSTATUS:
		return ANSWER_TLS;
	case CURLE_OPERATION_TIMEDOUT:
		return ANSWER_TIMEOUT;
	default:
		return ANSWER_BROKEN;
	}
}
