// Plays a found span when it is clicked, with a line that runs through it; a second click, or another span, stops it.
let playing = null;

function stop() {
  if (!playing) return;
  playing.sound.pause();
  playing.span.classList.remove("playing");
  playing = null;
}

function follow() {
  if (!playing) return;
  const { sound, span } = playing;
  span.firstElementChild.style.left = `${(100 * sound.currentTime) / (sound.duration || 1)}%`;
  requestAnimationFrame(follow);
}

for (const span of document.querySelectorAll("button.span")) {
  span.addEventListener("click", () => {
    const again = playing && playing.span === span;
    stop();
    if (again) return;
    const sound = new Audio(span.dataset.sound);
    sound.addEventListener("ended", stop);
    playing = { sound, span };
    span.classList.add("playing");
    sound.play().then(follow, stop);
  });
}
