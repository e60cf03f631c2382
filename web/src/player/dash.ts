// DASH, by dash.js.

import { MediaPlayer } from "dashjs";

import type { Start } from "./ways";

export const startDash: Start = (video, address, _stream, lost) => {
  const player = MediaPlayer().create();
  player.updateSettings({
    debug: { logLevel: 0 },
    streaming: {
      delay: { liveDelay: NaN },
      liveCatchup: { enabled: true, playbackRate: { min: -0.05, max: 0.1 } },
      buffer: { bufferToKeep: 20 },
    },
  });
  player.on(MediaPlayer.events.ERROR, (event) => {
    const { error } = event as { error?: { message?: string } | string };
    lost(typeof error === "string" ? error : (error?.message ?? "DASH"));
  });
  player.initialize(video, address, false);
  return {
    latency() {
      const latency = player.isReady() ? player.getCurrentLiveLatency() : NaN;
      return latency > 0 ? latency : null;
    },
    stop: () => player.destroy(),
  };
};
