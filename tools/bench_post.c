/* SPDX-License-Identifier: Apache-2.0 */

/*
 * A minimal webhook sender on libcurl, for `make bench`: a bare multi loop that posts the same
 * bytes again and again. It signs, stores and retries nothing.
 *
 *   bench_post PORT ENDPOINTS CONCURRENCY REQUESTS
 *
 * Endpoint i is 127.0.<i / 250>.<i % 250 + 1>, each with at most one request at a time. Prints one
 * line of JSON with requests a second and CPU microseconds per request.
 */
#include <curl/curl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

#include "core/clock.h"

static const char body[] =
	"{\"event\":\"capsule.create\",\"outcome\":\"success\",\"timestamp\":\"2026-05-24T05:02:"
	"08Z\","
	"\"team_id\":\"team-0x5yg3bfyrehlas5fmd3rslxq\",\"actor\":{\"type\":\"system\"},"
	"\"resource\":"
	"{\"id\":\"cl-6dfzh5ik5uxynzmlf5cshamdk\",\"type\":\"sandbox\"},\"metadata\":{\"sent_us\":"
	"\"1795426428744000\"}}";

static size_t discard(char *bytes, size_t size, size_t count, void *owner)
{
	(void)bytes;
	(void)owner;
	return size * count;
}

static void set_endpoint(CURL *easy, unsigned number, unsigned port)
{
	char url[64];

	snprintf(url, sizeof(url), "http://127.0.%u.%u:%u/good", number / 250, number % 250 + 1,
		 port);
	curl_easy_setopt(easy, CURLOPT_URL, url);
}

static CURL *new_request(struct curl_slist *headers)
{
	CURL *easy = curl_easy_init();

	curl_easy_setopt(easy, CURLOPT_HTTPHEADER, headers);
	curl_easy_setopt(easy, CURLOPT_POSTFIELDS, body);
	curl_easy_setopt(easy, CURLOPT_POSTFIELDSIZE, (long)strlen(body));
	curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, discard);
	curl_easy_setopt(easy, CURLOPT_PROXY, "");
	return easy;
}

static double cpu_us(void)
{
	struct rusage used;

	getrusage(RUSAGE_SELF, &used);
	return (double)(used.ru_utime.tv_sec + used.ru_stime.tv_sec) * 1e6 +
	       (double)(used.ru_utime.tv_usec + used.ru_stime.tv_usec);
}

/* Restarts every finished request while requests are left. Returns how many finished. */
static unsigned recycle(CURLM *multi, unsigned *left, unsigned endpoints, unsigned port)
{
	static unsigned next;
	unsigned finished = 0;
	CURLMsg *message;
	int queued;

	while ((message = curl_multi_info_read(multi, &queued)) != NULL) {
		CURL *easy = message->easy_handle;

		if (message->data.result != CURLE_OK) {
			fprintf(stderr, "bench_post: %s\n",
				curl_easy_strerror(message->data.result));
			exit(1);
		}
		finished++;
		curl_multi_remove_handle(multi, easy);
		if (*left > 0) {
			(*left)--;
			set_endpoint(easy, next++ % endpoints, port);
			curl_multi_add_handle(multi, easy);
		} else {
			curl_easy_cleanup(easy);
		}
	}
	return finished;
}

int main(int argc, char **argv)
{
	unsigned port, endpoints, concurrency, requests, left, finished = 0;
	struct curl_slist *headers = NULL;
	int64_t started_us;
	int running;
	CURLM *multi;

	if (argc != 5) {
		fprintf(stderr, "usage: bench_post PORT ENDPOINTS CONCURRENCY REQUESTS\n");
		return 2;
	}
	port = (unsigned)strtoul(argv[1], NULL, 10);
	endpoints = (unsigned)strtoul(argv[2], NULL, 10);
	concurrency = (unsigned)strtoul(argv[3], NULL, 10);
	requests = (unsigned)strtoul(argv[4], NULL, 10);
	if (concurrency > requests)
		concurrency = requests;
	left = requests - concurrency;
	curl_global_init(CURL_GLOBAL_DEFAULT);
	multi = curl_multi_init();
	curl_multi_setopt(multi, CURLMOPT_MAXCONNECTS, 4096L);
	headers = curl_slist_append(headers, "Content-Type: application/json");
	headers = curl_slist_append(headers, "Expect:");
	for (unsigned i = 0; i < concurrency; i++) {
		CURL *easy = new_request(headers);

		set_endpoint(easy, i % endpoints, port);
		curl_multi_add_handle(multi, easy);
	}
	started_us = clock_mono_us();
	while (finished < requests) {
		curl_multi_perform(multi, &running);
		finished += recycle(multi, &left, endpoints, port);
		if (finished < requests)
			curl_multi_poll(multi, NULL, 0, 100, NULL);
	}
	printf("{\"per_second\":%.1f,\"cpu_us\":%.1f}\n",
	       (double)requests * 1e6 / (double)(clock_mono_us() - started_us),
	       cpu_us() / requests);
	curl_multi_cleanup(multi);
	curl_slist_free_all(headers);
	curl_global_cleanup();
	return 0;
}
