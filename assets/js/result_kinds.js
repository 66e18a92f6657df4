// What runs make, in words: a clip, six pictures, a sound, a text.
(() => {
  const kieUi = (window.kieUi ??= {});
  const { number } = kieUi;

  const NAMES = {
    video: ["clip", "clips"],
    image: ["picture", "pictures"],
    audio: ["sound", "sounds"],
    text: ["text", "texts"],
    file: ["file", "files"],
    mixed: ["result", "results"],
  };
  const SUFFIXES = {
    image: ["png", "jpg", "jpeg", "webp", "gif", "avif", "bmp", "tif", "tiff", "heic"],
    audio: ["mp3", "wav", "m4a", "aac", "flac", "ogg", "opus"],
    video: ["mp4", "webm", "mov", "m4v", "mkv"],
  };

  // A guess for results that have not arrived yet.
  kieUi.kindOfAddress = (address) => {
    const suffix = address.split(/[?#]/)[0].split(".").pop().toLowerCase();
    return Object.keys(SUFFIXES).find((kind) => SUFFIXES[kind].includes(suffix)) ?? "mixed";
  };
  const kindsOf = (run) => (run.clips.length ? run.clips.map(({ kind }) => kind) : run.result_urls.map(kieUi.kindOfAddress));

  // The kind that all results of a run are of, or "mixed".
  kieUi.kindOf = (run) => {
    const [first, ...others] = new Set(kindsOf(run));
    return first && !others.length ? first : "mixed";
  };
  kieUi.nameOfKind = (kind, count = 1) => (NAMES[kind] ?? NAMES.mixed)[count === 1 ? 0 : 1];
  kieUi.countedResults = (run) => {
    const count = kindsOf(run).length;
    return `${number(count)} ${kieUi.nameOfKind(kieUi.kindOf(run), count)}`;
  };

  // As players show it.
  kieUi.playingTime = (seconds) => {
    const whole = Math.round(seconds);
    const pad = (value) => String(value).padStart(2, "0");
    const minutes = Math.floor(whole / 60);
    const rest = `${pad(whole % 60)}`;
    return minutes < 60 ? `${minutes}:${rest}` : `${Math.floor(minutes / 60)}:${pad(minutes % 60)}:${rest}`;
  };

  const suffixOf = (clip) => clip.name.split(".").pop();
  kieUi.resultFacts = (clip) =>
    [
      clip.kind === "file" || clip.kind === "text" ? suffixOf(clip).toUpperCase() : null,
      clip.duration_s ? (clip.kind === "audio" ? kieUi.playingTime(clip.duration_s) : `${number(clip.duration_s)} s`) : null,
      clip.width_px ? `${clip.width_px} × ${clip.height_px}` : null,
      clip.size_bytes ? kieUi.fileSize(clip.size_bytes) : null,
    ]
      .filter(Boolean)
      .join(" · ");
  kieUi.resultName = (run, index) => {
    const name = kieUi.capital(kieUi.nameOfKind(run.clips[index].kind));
    return run.clips.length > 1 ? `${name} ${index + 1}` : name;
  };
})();
