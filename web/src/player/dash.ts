// DASH, by dash.js.

import { MediaPlayer } from "dashjs";

import { root } from "../addresses";
import type { Start } from "./ways";

/** For manifests without one; its own default is somebody else's, far away. */
const OUR_CLOCK = { scheme: "urn:mpeg:dash:utc:http-head:2014", value: root.href };

export const startDash: Start = (video, address, _stream, lost) => {
  const player = MediaPlayer().create();
  player.updateSettings({
    debug: { logLevel: 0 },
    streaming: {
      liveCatchup: { enabled: true, playbackRate: { min: -0.05, max: 0.1 } },
      buffer: { bufferToKeep: 20 },
      utcSynchronization: { defaultTimingSource: OUR_CLOCK },
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
