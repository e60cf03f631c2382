// DASH, by dash.js.

import { MediaPlayer } from "dashjs";

import type { Start } from "./ways";

/**
 * The server's, for manifests without one; its own default is somebody else's, far away.
 *
 * (Nothing is imported from the page: else this large file would be another one after each change.)
 */
const OUR_CLOCK = { scheme: "urn:mpeg:dash:utc:http-head:2014", value: document.baseURI };

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
  player.on(MediaPlayer.events.STREAM_INITIALIZED, () => {
    // It asks for newer manifests from when it sees the element start: that may have been before.
    if (!video.paused) video.dispatchEvent(new Event("play"));
  });
  player.initialize(video, address, false);
  return {
    latency() {
      const latency = player.isReady() ? player.getCurrentLiveLatency() : NaN;
      return latency > 0 ? latency : null;
    },
    stop() {
      // What waits in it for this would come too late, and find nothing.
      video.dispatchEvent(new Event("canplay"));
      player.destroy();
    },
  };
};
