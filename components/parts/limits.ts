/** How long a connection may be silent, in seconds: as long as kubelet keeps a silent exec open (streamingConnectionIdleTimeout). */
export const SILENCE_SECONDS = 4 * 60 * 60;
/** The largest request body, as nginx and ingress-nginx spell "any": the API server has its own limit, and none for what it passes on to pods. */
export const MAX_BODY_SIZE = "0";
/** The largest request line and header, in KiB: the API server's own limit, 1 MiB, and the 4 KiB that Go adds. */
export const REQUEST_HEADER_KIB = 1028;
/** The largest response header, in KiB: above the warnings of one response, of which the API server sends 4,096 characters. */
export const RESPONSE_HEADER_KIB = 64;
/** How long a connection waits for its next request, in seconds: longer than Go's clients keep one, which is 90. */
export const IDLE_SECONDS = 180;
/** When TCP asks whether a silent peer is still there: idle and interval in seconds, and how often; firewalls forget after a minute. */
export const KEEP_ALIVE = { idle: 30, interval: 15, probes: 8 } as const;
