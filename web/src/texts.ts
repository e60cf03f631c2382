// All words, in both languages. English is the model: what the other one lacks does not compile.

import { parameters } from "./addresses";

const en = {
  language: "English",
  page: {
    onAir: "On air",
    streams: (n: number) => (n === 1 ? "1 stream" : `${n} streams`),
    nothing: "Nothing is on air",
    nothingHint: "Publish a stream and it appears here by itself.",
    unlisted: "The list is switched off",
    unlistedHint: "Streams are found by their address: watch/APP/NAME.",
    unreachable: "The server does not answer. Trying again…",
    loading: "Looking what is on air…",
    more: (n: number) => `and ${n} more`,
    home: "All streams",
    publish: "Publish",
    dark: "Dark",
    light: "Light",
    otherLanguage: "中文",
    licences: "Licences",
  },
  stream: {
    live: "Live",
    slate: "Back soon",
    off: "Off air",
    viewers: (n: number) => (n === 1 ? "1 viewer" : `${n} viewers`),
    onAirFor: (time: string) => `on air for ${time}`,
    watch: (name: string) => `Watch ${name}`,
    soundOnly: "Sound only",
    noPicture: "No picture yet",
  },
  time: {
    seconds: (n: number) => `${n} s`,
    minutes: (n: number) => `${n} min`,
    hours: (h: number, m: number) => `${h} h ${m} min`,
    days: (d: number, h: number) => `${d} d ${h} h`,
  },
  player: {
    play: "Play (space)",
    pause: "Pause (space)",
    mute: "Mute (m)",
    unmute: "Sound on (m)",
    tapForSound: "Tap for sound",
    tapToPlay: "Tap to play",
    volume: "Volume",
    fullscreen: "Full screen (f)",
    leaveFullscreen: "Leave full screen (f)",
    pip: "Picture in picture (p)",
    keys: "Keys (?)",
    toLive: "Jump to live (l)",
    atLive: "At the live edge",
    region: "Player",
    connecting: "Connecting…",
    buffering: "Buffering…",
    offAir: "Not on air right now",
    offAirHint: "It starts by itself as soon as somebody publishes.",
    reconnecting: "Connection lost. Reconnecting…",
    unreachable: "The server does not answer. Trying again…",
    refused: "You may not watch this stream",
    refusedHint: "The link is not valid for it, or no longer. Ask whoever gave it to you for a new one.",
    unsupported: "This browser cannot play this stream",
    unsupportedHint: (codec: string) => `It is ${codec}. VLC, mpv or another browser may play it.`,
    failed: "This way does not work here. Trying again…",
  },
  ways: {
    label: "Played by",
    auto: "Automatic",
    "ws-flv": "WebSocket",
    "http-flv": "HTTP-FLV",
    "ll-hls": "LL-HLS",
    dash: "DASH",
    hls: "HLS",
    unable: "Not possible in this browser",
  },
  figures: {
    latency: "Latency",
    latencyHint: "Behind the live edge, as the player's clock says",
    buffer: "Buffer",
    bufferHint: "What has been received and not yet shown; the way through the network comes on top",
    stalls: "Stalls",
    stallsHint: "How often, and how long in all, playback had to wait",
    bitrate: "Bitrate",
    picture: "Picture",
    codec: "Codec",
    dropped: "Frames lost",
    droppedHint: "Frames that this device was too slow to show, of all so far",
    none: "–",
  },
  share: {
    title: "Share and embed",
    page: "This page",
    embed: "On your own page",
    players: "In VLC, mpv, ffplay",
    copy: "Copy",
    copied: "Copied",
  },
  publish: {
    title: "Publish a stream",
    intro: "Choose a name, then paste this into your encoder.",
    name: "Name of the stream",
    keyHint:
      "KEY stands for the publishing key. The server prints it when it starts, and keeps it in the file publish.key of its data folder.",
    openHint: "No key is needed: anybody who reaches this server may publish.",
    obsStream: "OBS: Settings → Stream",
    obsOutput: "OBS: Settings → Output → Advanced",
    service: "Service",
    custom: "Custom…",
    server: "Server",
    key: "Stream key",
    rate: "Rate control",
    bitrate: "Bitrate",
    bitrateValue: "2500 Kbps (720p) to 6000 Kbps (1080p)",
    keyframes: "Keyframe interval",
    keyframesValue: "2 s",
    preset: "CPU usage preset",
    tune: "Tune",
    bframes: "x264 options",
    bframesHint: "No B-frames: they cost latency. In other encoders, set B-frames to 0.",
    ffmpeg: "FFmpeg",
    command: "Command",
    ffmpegHint: "A file as if it were live; -g is twice the frame rate: a keyframe every 2 s.",
    close: "Close",
  },
  keys: {
    title: "Keys",
    play: "Play or pause",
    mute: "Sound on or off",
    fullscreen: "Full screen",
    pip: "Picture in picture",
    live: "Jump to live",
    volume: "Louder, quieter",
    help: "This help",
  },
};

export type Words<T> = {
  [K in keyof T]: T[K] extends string
    ? string
    : T[K] extends (...values: infer V) => string
      ? (...values: V) => string
      : Words<T[K]>;
};
export type Texts = Words<typeof en>;

const zh: Texts = {
  language: "中文",
  page: {
    onAir: "正在直播",
    streams: (n) => `${n} 路直播`,
    nothing: "当前没有直播",
    nothingHint: "开始推流后，直播会自动出现在这里。",
    unlisted: "直播列表已关闭",
    unlistedHint: "请直接使用直播地址：watch/APP/NAME。",
    unreachable: "服务器没有响应，正在重试…",
    loading: "正在获取直播列表…",
    more: (n) => `还有 ${n} 路`,
    home: "全部直播",
    publish: "开始推流",
    dark: "深色",
    light: "浅色",
    otherLanguage: "English",
    licences: "许可证",
  },
  stream: {
    live: "直播",
    slate: "马上回来",
    off: "未开播",
    viewers: (n) => `${n} 人观看`,
    onAirFor: (time) => `已播 ${time}`,
    watch: (name) => `观看 ${name}`,
    soundOnly: "仅音频",
    noPicture: "暂无画面",
  },
  time: {
    seconds: (n) => `${n} 秒`,
    minutes: (n) => `${n} 分钟`,
    hours: (h, m) => `${h} 小时 ${m} 分`,
    days: (d, h) => `${d} 天 ${h} 小时`,
  },
  player: {
    play: "播放（空格）",
    pause: "暂停（空格）",
    mute: "静音（m）",
    unmute: "打开声音（m）",
    tapForSound: "点按打开声音",
    tapToPlay: "点按播放",
    volume: "音量",
    fullscreen: "全屏（f）",
    leaveFullscreen: "退出全屏（f）",
    pip: "画中画（p）",
    keys: "快捷键（?）",
    toLive: "跳到最新（l）",
    atLive: "已是最新",
    region: "播放器",
    connecting: "正在连接…",
    buffering: "正在缓冲…",
    offAir: "当前未开播",
    offAirHint: "开播后会自动播放。",
    reconnecting: "连接已断开，正在重新连接…",
    unreachable: "服务器没有响应，正在重试…",
    refused: "你无权观看该直播",
    refusedHint: "此链接不适用于该直播，或已过期。请向提供者索取新的链接。",
    unsupported: "此浏览器无法播放该直播",
    unsupportedHint: (codec) => `编码为 ${codec}，请尝试 VLC、mpv 或其他浏览器。`,
    failed: "此播放方式不可用，正在重试…",
  },
  ways: {
    label: "播放方式",
    auto: "自动",
    "ws-flv": "WebSocket",
    "http-flv": "HTTP-FLV",
    "ll-hls": "LL-HLS",
    dash: "DASH",
    hls: "HLS",
    unable: "此浏览器不支持",
  },
  figures: {
    latency: "延迟",
    latencyHint: "播放器时钟测得的与直播点的差距",
    buffer: "缓冲",
    bufferHint: "已收到但尚未播放的内容，不含网络传输时间",
    stalls: "卡顿",
    stallsHint: "播放被迫等待的次数与总时长",
    bitrate: "码率",
    picture: "画面",
    codec: "编码",
    dropped: "丢帧",
    droppedHint: "本设备来不及显示的帧数 / 总帧数",
    none: "–",
  },
  share: {
    title: "分享与嵌入",
    page: "本页地址",
    embed: "嵌入网页",
    players: "VLC、mpv、ffplay",
    copy: "复制",
    copied: "已复制",
  },
  publish: {
    title: "开始推流",
    intro: "先取一个名称，再把下面的内容填入编码器。",
    name: "直播名称",
    keyHint: "KEY 代表推流密钥：服务器启动时会显示，也保存在数据目录的 publish.key 文件中。",
    openHint: "无需密钥：能访问此服务器的人都可以推流。",
    obsStream: "OBS：设置 → 直播",
    obsOutput: "OBS：设置 → 输出 → 高级",
    service: "服务",
    custom: "自定义…",
    server: "服务器",
    key: "推流码",
    rate: "码率控制",
    bitrate: "比特率",
    bitrateValue: "2500 Kbps（720p）至 6000 Kbps（1080p）",
    keyframes: "关键帧间隔",
    keyframesValue: "2 秒",
    preset: "CPU 使用预设",
    tune: "微调（Tune）",
    bframes: "x264 选项",
    bframesHint: "不使用 B 帧，以降低延迟；其他编码器请将 B 帧设为 0。",
    ffmpeg: "FFmpeg",
    command: "命令",
    ffmpegHint: "以实时速度推送文件；-g 为帧率的两倍，即每 2 秒一个关键帧。",
    close: "关闭",
  },
  keys: {
    title: "快捷键",
    play: "播放 / 暂停",
    mute: "打开 / 关闭声音",
    fullscreen: "全屏",
    pip: "画中画",
    live: "跳到最新",
    volume: "增大 / 减小音量",
    help: "显示此帮助",
  },
};

const TABLE = { en, zh };
export type Language = keyof typeof TABLE;

function chosenLanguage(): Language {
  const wishes = [parameters.get("lang") ?? "", ...navigator.languages];
  for (const wish of wishes) {
    const language = wish.toLowerCase().split("-")[0] ?? "";
    if (language in TABLE) return language as Language;
  }
  return "en";
}

export const language = chosenLanguage();
export const texts: Texts = TABLE[language];

/** The address of this page in the other language. */
export function otherLanguageAddress(): string {
  const url = new URL(location.href);
  url.searchParams.set("lang", language === "en" ? "zh" : "en");
  return url.href;
}
