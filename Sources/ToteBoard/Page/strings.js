// Every text of the board, in each language. A text may hold {placeholders}; one that counts is a
// pair: [for one, for others].
'use strict';

const TEXTS = {
  en: {
    board: 'Pickup board',
    otherLanguage: 'Français',
    token: 'Token of this counter',
    tokenHelp: 'It stays in this tab and is forgotten when the tab is closed.',
    signIn: 'Sign in',
    signOut: 'Sign out',
    badToken: 'This token is not valid. Ask your administrator for a new one.',
    wrongStore: 'This token does not open store {store}.',
    unreachable: 'The server cannot be reached. Check the network.',

    preparing: 'In preparation',
    ready: 'Ready',
    noOrders: 'No orders',
    cannotKnow: 'Cannot know: not connected',
    starting: 'Connecting …',

    live: 'live · {age}',
    late: 'last update {age} ago',
    stale: 'not connected · {age}',
    banner: 'Not connected. What you see is {age} old and may be wrong.',
    bannerNever: 'Not connected. This screen has no data yet.',
    bannerQueue: 'Hand-overs are kept here and sent later.',
    backLive: 'Connected again.',
    lateSaid: 'The connection is lost.',
    unsent: ['{n} hand-over not sent', '{n} hand-overs not sent'],

    minutes: '{n} min',
    onTime: 'on time', isLate: 'late', veryLate: 'very late',
    justReady: 'ready', waiting: 'waiting', waitingLong: 'waiting long',
    pickupAt: 'for {time}',
    arrived: 'is here',
    arrivedAt: 'is here: {spot}',
    toPay: '{amount} to pay',
    queued: 'handed over, not sent',
    undoQueued: 'undone, not sent',
    handOverOf: 'Hand over {code}',
    undoOf: 'Undo the hand-over of {code}',
    isReady: '{code} is ready',

    code: 'Code',
    codeHelp: 'Type, scan or tap to hand over.',
    handOver: 'Hand over',
    undo: 'Undo',
    close: 'Close',
    dismiss: 'Dismiss',
    understood: 'Understood',
    handedOver: '{code} handed over',
    handedOverQueued: '{code} handed over. It will be sent when the connection is back.',
    undone: '{code} is ready again',
    undoTooLate: 'Too late to undo {code}: ask a manager.',
    notSent: 'This could not be sent. Try again.',
    alreadyCollected: '{code} was already handed over by {by} at {time}.',
    notReady: '{code} is still in preparation.',
    closed: '{code} is closed ({state}). Do not hand it over.',
    wrongCode: ['Wrong code. {n} attempt left.', 'Wrong code. {n} attempts left.'],
    locked: 'Too many wrong codes. Locked for {age}.',
    unknownOrder: 'This order is not known here.',
    badCode: 'A code has four characters, like K4X7.',
    unknownCutOff: '{code} is not on this list and cannot be checked while not connected.',
    queueFull: 'Too many hand-overs wait. Write this one down.',
    noAnswer: 'No answer from the server. Try the same code again.',
    refused: 'The server refused this ({code}).',

    disputed: '{code} was handed over but had been {state}. Tell a manager.',
    twice: '{code} was handed over here at {here}, and before by {by} at {time}.',
    queuedRefused: '{code}: the hand-over of {here} was not taken ({state}).',

    recent: 'Recently collected',
    recentCount: 'Recently collected ({n})',
    nothingRecent: 'Nothing yet.',
    collectedAt: 'collected {time}',
    collectedBy: 'collected {time} · {by}',
    timedOut: 'timed out {time} · nobody came',
    cancelledAt: 'cancelled {time}',
    restore: 'Restore',
    restoreOf: 'Restore {code}',
    tooLate: 'over 60 s ago',

    states: { cancelled: 'cancelled', declined: 'declined', collected: 'collected',
      expired: 'timed out', preparing: 'in preparation', ready: 'ready', placed: 'placed',
      confirmed: 'confirmed', unknown: 'unknown' },

    soundOff: 'Tap to enable sound',
    soundOn: 'Sound on',
    screen: 'This screen',
    use: 'This screen is',
    counterMode: 'at the counter: hand over here',
    wallMode: 'on the wall: customers read it',
    awake: 'The screen is kept on.',
    notAwake: 'The screen may turn off: to keep it on takes HTTPS.',
    who: 'Signed in as {label}',
    pause: 'Stop turning pages',
    goOn: 'Turn pages',
  },
  fr: {
    board: 'Tableau de retrait',
    otherLanguage: 'English',
    token: 'Jeton de ce comptoir',
    tokenHelp: 'Il reste dans cet onglet et il est oublié à sa fermeture.',
    signIn: 'Se connecter',
    signOut: 'Se déconnecter',
    badToken: 'Ce jeton n’est pas valable. Demandez-en un nouveau à votre administrateur.',
    wrongStore: 'Ce jeton n’ouvre pas le magasin {store}.',
    unreachable: 'Le serveur est injoignable. Vérifiez le réseau.',

    preparing: 'En préparation',
    ready: 'Prêtes',
    noOrders: 'Aucune commande',
    cannotKnow: 'Impossible à savoir : pas de connexion',
    starting: 'Connexion …',

    live: 'en direct · {age}',
    late: 'mis à jour il y a {age}',
    stale: 'hors connexion · {age}',
    banner: 'Hors connexion. Cet affichage date de {age} et peut être faux.',
    bannerNever: 'Hors connexion. Cet écran n’a pas encore de données.',
    bannerQueue: 'Les remises sont gardées ici et envoyées plus tard.',
    backLive: 'De nouveau connecté.',
    lateSaid: 'La connexion est perdue.',
    unsent: ['{n} remise non envoyée', '{n} remises non envoyées'],

    minutes: '{n} min',
    onTime: 'à l’heure', isLate: 'en retard', veryLate: 'très en retard',
    justReady: 'prête', waiting: 'en attente', waitingLong: 'longue attente',
    pickupAt: 'pour {time}',
    arrived: 'est là',
    arrivedAt: 'est là : {spot}',
    toPay: '{amount} à payer',
    queued: 'remise, non envoyée',
    undoQueued: 'annulée, non envoyé',
    handOverOf: 'Remettre {code}',
    undoOf: 'Annuler la remise de {code}',
    isReady: '{code} est prête',

    code: 'Code',
    codeHelp: 'Tapez, scannez ou touchez pour remettre.',
    handOver: 'Remettre',
    undo: 'Annuler',
    close: 'Fermer',
    dismiss: 'Classer',
    understood: 'Compris',
    handedOver: '{code} remise',
    handedOverQueued: '{code} remise. Ce sera envoyé au retour de la connexion.',
    undone: '{code} est de nouveau prête',
    undoTooLate: 'Trop tard pour annuler {code} : demandez à un responsable.',
    notSent: 'L’envoi a échoué. Réessayez.',
    alreadyCollected: '{code} a déjà été remise par {by} à {time}.',
    notReady: '{code} est encore en préparation.',
    closed: '{code} est close ({state}). Ne la remettez pas.',
    wrongCode: ['Code faux. Encore {n} essai.', 'Code faux. Encore {n} essais.'],
    locked: 'Trop de codes faux. Bloqué pendant {age}.',
    unknownOrder: 'Cette commande est inconnue ici.',
    badCode: 'Un code a quatre caractères, comme K4X7.',
    unknownCutOff: '{code} n’est pas dans la liste et ne peut être vérifié hors connexion.',
    queueFull: 'Trop de remises attendent. Notez celle-ci sur papier.',
    noAnswer: 'Pas de réponse du serveur. Réessayez le même code.',
    refused: 'Le serveur a refusé ({code}).',

    disputed: '{code} a été remise alors qu’elle était {state}. Prévenez un responsable.',
    twice: '{code} a été remise ici à {here}, et avant par {by} à {time}.',
    queuedRefused: '{code} : la remise de {here} n’a pas été acceptée ({state}).',

    recent: 'Retraits récents',
    recentCount: 'Retraits récents ({n})',
    nothingRecent: 'Rien pour l’instant.',
    collectedAt: 'retirée {time}',
    collectedBy: 'retirée {time} · {by}',
    timedOut: 'délai passé {time} · personne',
    cancelledAt: 'annulée {time}',
    restore: 'Rétablir',
    restoreOf: 'Rétablir {code}',
    tooLate: 'plus de 60 s',

    states: { cancelled: 'annulée', declined: 'refusée', collected: 'retirée',
      expired: 'délai passé', preparing: 'en préparation', ready: 'prête', placed: 'passée',
      confirmed: 'confirmée', unknown: 'inconnue' },

    soundOff: 'Toucher pour activer le son',
    soundOn: 'Son activé',
    screen: 'Cet écran',
    use: 'Cet écran est',
    counterMode: 'au comptoir : on y remet les commandes',
    wallMode: 'au mur : les clients le lisent',
    awake: 'L’écran reste allumé.',
    notAwake: 'L’écran peut s’éteindre : l’empêcher demande HTTPS.',
    who: 'Connecté comme {label}',
    pause: 'Ne plus tourner les pages',
    goOn: 'Tourner les pages',
  },
};

let language = 'en';

// The text of that key, its placeholders filled in.
function text(key, values) {
  let found = TEXTS[language][key];
  if (Array.isArray(found)) {
    // French counts zero as singular, English as plural.
    const n = values.n;
    found = n === 1 || (n === 0 && language === 'fr') ? found[0] : found[1];
  }
  return found.replace(/\{(\w+)\}/g, (whole, name) =>
    values && values[name] !== undefined ? String(values[name]) : whole);
}

// The word for a state of an order; a state of a newer server shows as it is called.
function stateText(state) {
  return TEXTS[language].states[state] || state || TEXTS[language].states.unknown;
}

// The browser's own variant of the language: it knows how the shop writes times and amounts.
function locale() {
  return (navigator.languages || []).find((one) => one.split('-')[0] === language) || language;
}

function timeText(ms) {
  return new Intl.DateTimeFormat(locale(), { hour: '2-digit', minute: '2-digit' }).format(ms);
}

// "00:42", "1:05:10".
function spanText(ms) {
  const seconds = Math.max(0, Math.floor(ms / 1000));
  const two = (n) => String(n).padStart(2, '0');
  const hours = Math.floor(seconds / 3600);
  const rest = two(Math.floor(seconds / 60) % 60) + ':' + two(seconds % 60);
  return hours > 0 ? hours + ':' + rest : rest;
}

// Whole minor units of a currency as people write them.
function moneyText(amount, currency) {
  try {
    const format = new Intl.NumberFormat(locale(), { style: 'currency', currency });
    return format.format(amount / Math.pow(10, format.resolvedOptions().maximumFractionDigits));
  } catch (error) {
    return amount + ' ' + currency;  // No currency that this browser knows.
  }
}
