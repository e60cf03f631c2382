// FLV over HTTP or a WebSocket, by mpegts.js.

import mpegts from "mpegts.js";

import type { Start } from "./ways";

mpegts.LoggingControl.applyConfig({ enableVerbose: false, enableDebug: false, enableInfo: false });

const CONFIG: mpegts.Config = {
  isLive: true,
  enableStashBuffer: false, // each tag is shown when it comes
  lazyLoad: false, // a live stream is not read ahead of
  liveSync: false, // LiveEdge does
  autoCleanupSourceBuffer: true,
  autoCleanupMaxBackwardDuration: 40,
  autoCleanupMinBackwardDuration: 20,
};

export const startFlv: Start = (video, address, stream, lost) => {
  const has = (kind: string): boolean => stream.tracks.some((track) => track.kind === kind);
  const [hasVideo, hasAudio] = [has("video"), has("audio")];
  const player = mpegts.createPlayer(
    // It waits for both kinds before it begins, so it has to know if there is only one.
    { type: "flv", isLive: true, url: address, ...(hasVideo || hasAudio ? { hasVideo, hasAudio } : {}) },
    CONFIG,
  );
  player.on(mpegts.Events.ERROR, (type: string, detail: string) => lost(`${type}: ${detail}`));
  player.on(mpegts.Events.LOADING_COMPLETE, () => lost("the stream has ended"));
  player.attachMediaElement(video);
  player.load();
  return {
    latency: () => null, // FLV has no clock
    stop: () => player.destroy(),
  };
};
