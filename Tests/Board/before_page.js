// Runs before the board's own scripts: a clock that a test can push on, and witnesses.
window.skewMs = 0;
{
  const [now, ticks] = [Date.now, performance.now.bind(performance)];
  Date.now = () => now() + window.skewMs;
  performance.now = () => ticks() + window.skewMs;
}

// Everything that the page said although it could not know it.
window.lies = [];
{
  const WORDS = /no orders|aucune commande/i;
  const look = () => {
    const { view, level } = document.body ? document.body.dataset : {};
    if (view === 'board' && level !== 'live' && WORDS.test(document.body.textContent)) {
      window.lies.push(level + ': ' + document.body.textContent.match(WORDS)[0]);
    }
  };
  document.addEventListener('DOMContentLoaded', () => {
    new MutationObserver(look).observe(document.body,
      { subtree: true, childList: true, characterData: true, attributes: true });
  });
}

window.tones = 0;
{
  const make = AudioContext.prototype.createOscillator;
  AudioContext.prototype.createOscillator = function () {
    window.tones += 1;
    return make.call(this);
  };
}

window.faults = [];
window.addEventListener('error', (event) => window.faults.push(event.message));
window.addEventListener('unhandledrejection',
  (event) => window.faults.push(String(event.reason && event.reason.stack)));

window.refusedByPolicy = [];
document.addEventListener('securitypolicyviolation', (event) => {
  window.refusedByPolicy.push(event.violatedDirective + ' ' + event.blockedURI);
});
