// What to tell an encoder: the exact settings for OBS, a command for FFmpeg.

import { rtmpAddress } from "../addresses";
import { h } from "../dom";
import type { Publishing } from "../server";
import { texts } from "../texts";
import { copyRow } from "./copy";

const APP = "live";
const USUAL_NAME = "show";
const NAME = /[^A-Za-z0-9_.-]|^\.+/g; // what no name may have

export function publishHelp({ rtmp_port, key }: Publishing): HTMLElement {
  const words = texts.publish;
  const server = rtmpAddress(rtmp_port, APP);
  const keyOf = (name: string): string => (key ? `${name}?key=KEY` : name);
  const command = (name: string): string =>
    "ffmpeg -re -i film.mp4 -c:v libx264 -preset veryfast -tune zerolatency -g 60 " +
    "-b:v 2500k -maxrate 2500k -bufsize 2500k -pix_fmt yuv420p -c:a aac -b:a 128k " +
    `-f flv "${server}/${keyOf(name)}"`;

  const streamKey = copyRow(words.key, keyOf(USUAL_NAME));
  const ffmpeg = copyRow(words.command, command(USUAL_NAME));
  const name = h("input", {
    value: USUAL_NAME,
    maxlength: 64,
    spellcheck: "false",
    autocomplete: "off",
    autocapitalize: "off",
  });
  name.addEventListener("input", () => {
    name.value = name.value.replace(NAME, "");
    streamKey.set(keyOf(name.value || USUAL_NAME));
    ffmpeg.set(command(name.value || USUAL_NAME));
  });

  return h("div", { class: "publish" }, [
    h("p", {}, words.intro),
    h("label", { class: "field" }, [h("span", { class: "label" }, words.name), name]),
    h("h3", {}, words.obsStream),
    fixed(words.service, words.custom),
    copyRow(words.server, server).row,
    streamKey.row,
    h("p", { class: "hint" }, key ? words.keyHint : words.openHint),
    h("h3", {}, words.obsOutput),
    fixed(words.rate, "CBR"),
    fixed(words.bitrate, words.bitrateValue),
    fixed(words.keyframes, words.keyframesValue),
    fixed(words.preset, "veryfast"),
    fixed(words.tune, "zerolatency"),
    copyRow(words.bframes, "bframes=0").row,
    h("p", { class: "hint" }, words.bframesHint),
    h("h3", {}, words.ffmpeg),
    ffmpeg.row,
    h("p", { class: "hint" }, words.ffmpegHint),
  ]);
}

function fixed(label: string, value: string): HTMLElement {
  return h("div", { class: "copy" }, [h("span", { class: "label" }, label), h("span", {}, value)]);
}
