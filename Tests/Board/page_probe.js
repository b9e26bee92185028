// Measures a page as it is shown: given to the browser by the tests, no part of the board.
window.probe = {
  // [red, green, blue, alpha] of a computed colour.
  colour(text) {
    const parts = text.match(/[\d.]+/g).map(Number);
    return parts.length === 3 ? parts.concat(1) : parts;
  },

  luminance([red, green, blue]) {
    const linear = [red, green, blue].map((value) => {
      const part = value / 255;
      return part <= 0.04045 ? part / 12.92 : Math.pow((part + 0.055) / 1.055, 2.4);
    });
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2];
  },

  contrast(one, other) {
    const [high, low] = [this.luminance(one), this.luminance(other)].sort((a, b) => b - a);
    return (high + 0.05) / (low + 0.05);
  },

  isShown(element) {
    const box = element.getBoundingClientRect();
    return box.width > 1 && box.height > 1 && getComputedStyle(element).visibility === 'visible';
  },

  // The first ground behind an element that is not see-through. Anything in between that would
  // make the computed colours a lie is named.
  ground(element) {
    for (let one = element; one; one = one.parentElement) {
      const style = getComputedStyle(one);
      if (style.opacity !== '1' || style.backgroundImage !== 'none' || style.filter !== 'none') {
        throw new Error('not to be computed: ' + one.outerHTML.slice(0, 80));
      }
      const colour = this.colour(style.backgroundColor);
      if (colour[3] === 1) return colour;
      if (colour[3] !== 0) throw new Error('half see-through: ' + one.outerHTML.slice(0, 80));
    }
    throw new Error('no ground');
  },

  // {text, ratio} of every text and icon that is seen.
  contrasts() {
    const found = [];
    const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
    const owners = new Set();
    while (walker.nextNode()) {
      if (walker.currentNode.data.trim()) owners.add(walker.currentNode.parentElement);
    }
    for (const svg of document.querySelectorAll('svg')) owners.add(svg.parentElement);
    for (const owner of owners) {
      if (!this.isShown(owner) || owner.closest('.spoken, noscript, [hidden]')) continue;
      const ratio = this.contrast(
        this.colour(getComputedStyle(owner).color), this.ground(owner));
      found.push({ text: owner.textContent.slice(0, 40), ratio });
    }
    return found;
  },

  // How high a capital letter of that element is, in pixels.
  capitalHeight(element) {
    const style = getComputedStyle(element);
    const context = document.createElement('canvas').getContext('2d');
    context.font = style.fontWeight + ' ' + style.fontSize + ' ' + style.fontFamily;
    return context.measureText('H').actualBoundingBoxAscent;
  },

  // Controls that are seen and smaller than 48 pixels.
  smallTargets() {
    return Array.from(document.querySelectorAll('button, input'))
      .map((element) => element.closest('label') || element)
      .filter((element) => this.isShown(element))
      .filter((element) => {
        const box = element.getBoundingClientRect();
        return box.width < 48 || box.height < 48;
      }).map((element) => element.outerHTML.slice(0, 80));
  },

  // Elements that reach out of the window sideways.
  sticksOut() {
    const width = document.documentElement.clientWidth;
    return Array.from(document.querySelectorAll('body *'))
      .filter((element) => this.isShown(element) && !element.closest('.spoken'))
      .filter((element) => {
        const box = element.getBoundingClientRect();
        return box.right > width + 1 || box.left < -1;
      }).map((element) => element.outerHTML.slice(0, 80));
  },
};
