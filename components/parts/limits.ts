/** How long a connection may be silent, in seconds: as long as kubelet keeps a silent exec open (streamingConnectionIdleTimeout). */
export const SILENCE_SECONDS = 4 * 60 * 60;
/** The largest request body, in nginx's notation: the API server's own limit, 3 MiB. */
export const MAX_BODY_SIZE = "3m";
