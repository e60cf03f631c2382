// HLS by the browser itself, where nothing can be given to it piece by piece.

import type { Start } from "./ways";

/** Safari's own: the time of day at which the stream's time was zero. */
type Dated = HTMLVideoElement & { getStartDate?: () => Date };

export const startNative: Start = (video: Dated, address, _stream, lost) => {
  const onError = (): void => lost(video.error?.message ?? "HLS");
  const onEnded = (): void => lost("the stream has ended");
  video.addEventListener("error", onError);
  video.addEventListener("ended", onEnded);
  video.src = address;
  return {
    latency() {
      const start = video.getStartDate?.().getTime() ?? NaN;
      const latency = (Date.now() - start) / 1000 - video.currentTime;
      return Number.isFinite(latency) ? latency : null;
    },
    stop() {
      video.removeEventListener("error", onError);
      video.removeEventListener("ended", onEnded);
      video.removeAttribute("src");
      video.load();
    },
  };
};
