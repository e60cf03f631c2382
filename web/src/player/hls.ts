// HLS and low-latency HLS, by hls.js.

import Hls from "hls.js";

import type { Start } from "./ways";

const RECOVER_AGAIN_MS = 5_000;

export const startHls =
  (lowLatencyMode: boolean): Start =>
  (video, address, _stream, lost) => {
    const hls = new Hls({
      lowLatencyMode,
      enableWorker: false, // its worker would have to be a file of its own
      backBufferLength: 20,
      maxLiveSyncPlaybackRate: 1.1,
      liveDurationInfinity: true,
    });
    let recoveredAt = -Infinity;
    hls.on(Hls.Events.ERROR, (_event, { fatal, type, details }) => {
      if (!fatal) return;
      const now = performance.now();
      if (type === Hls.ErrorTypes.MEDIA_ERROR && now - recoveredAt > RECOVER_AGAIN_MS) {
        recoveredAt = now;
        hls.recoverMediaError();
      } else {
        lost(details);
      }
    });
    hls.loadSource(address);
    hls.attachMedia(video);
    return {
      latency: () => (hls.latency > 0 ? hls.latency : null),
      stop: () => hls.destroy(),
    };
  };
