/**
 * Texts for generated mail and events, varied enough to test search, encodings and right-to-left
 * text.
 */

export const PEOPLE: readonly { name: string; address: string }[] = [
  { name: 'Ada Moreau', address: 'ada.moreau@atelier.example' },
  { name: 'Jonas Weber', address: 'jonas.weber@werk.example' },
  { name: 'Søren Ærø', address: 'soeren@fjord.example' },
  { name: 'Priya Raghunathan', address: 'priya@lotus.example' },
  { name: '山田 太郎', address: 'taro.yamada@sakura.example' },
  { name: 'Żaneta Wójcik', address: 'zaneta@wisla.example' },
  { name: 'דנה לוי', address: 'dana.levi@tamar.example' },
  { name: 'أحمد منصور', address: 'ahmed.mansour@nile.example' },
  { name: "Niamh O'Connor", address: 'niamh@liffey.example' },
  { name: 'Team Ledger 📒', address: 'team@ledger.example' },
  { name: '', address: 'no-reply@status.example' },
  { name: 'Kim, Ji-woo (Sales)', address: 'jiwoo.kim@hangang.example' },
];

export const SENDERS_IN_BULK: readonly { name: string; address: string; list: string }[] = [
  { name: 'The Weekly Digest', address: 'digest@news.example', list: 'weekly.news.example' },
  { name: 'Bargains & More ✨', address: 'offers@shop.example', list: 'offers.shop.example' },
  { name: 'Build notifications', address: 'ci@forge.example', list: 'builds.forge.example' },
  { name: 'Réseau pro', address: 'bonjour@reseau.example', list: 'social.reseau.example' },
];

export const TOPICS: readonly string[] = [
  'Quarterly numbers',
  'Lunch on Thursday?',
  'Contract draft, second reading',
  'Your invoice 2026-0417 is ready',
  'Photos from the weekend 📸',
  'Réunion reportée à vendredi',
  'Größere Änderungen am Zeitplan',
  'סיכום הפגישה מיום שלישי',
  'جدول أعمال الاجتماع القادم',
  '会議の議事録について',
  'Deployment went fine 🎉🚀',
  'Zażółć gęślą jaźń: przegląd',
  'Flat viewing on Saturday',
  'Re-ordering the parts list',
  'Welcome aboard, 新しい同僚!',
  'Password changed',
  'Минутка внимания',
  'Trip to Århus & Malmö',
  'Question about the API limits',
  'Minutes <draft> "v2" & next steps',
];

export const SENTENCES: readonly string[] = [
  'I went through the numbers again and they look better than last month.',
  'Could you have a sync before the end of the week?',
  'The attached version has the comments of everyone who answered.',
  'Nothing urgent, but it would be good to settle this soon.',
  'We agreed to meet at half past ten in the small room on the second floor.',
  'Sorry for the late answer, the train was delayed twice.',
  'The supplier confirmed the delivery for the twelfth, costs included.',
  'Please keep this between us until the board has decided.',
  'Let me know whether you prefer the morning or the afternoon.',
  'As discussed, I moved the remaining items to the next sprint.',
  'The tests are green, the review is done, and the release notes are waiting for you.',
  'Thank you for the quick help yesterday, it saved the demo.',
  'If the link does not work, copy the address into your browser.',
  'There are three open questions left, listed below in order of weight.',
];

/** Sentences that need UTF-8, one per script. */
export const WIDE_SENTENCES: readonly string[] = [
  'Das Café schließt heute früher – bitte rechtzeitig kommen… 😀',
  'L’équipe a terminé le déménagement à l’été, œuvre complète.',
  'נתראה מחר בשעה עשר בבוקר, אני אביא את המסמכים.',
  'سنراجع الميزانية معًا يوم الأحد إن شاء الله.',
  '来週の月曜日までにご確認いただけますと幸いです。',
  'Прошу подтвердить получение письма до пятницы. 👍🏽',
];

/** Texts in the charsets of older mail: [MIME charset, sentence]. */
export const LEGACY_TEXTS: readonly (readonly [charset: string, text: string])[] = [
  ['iso-8859-1', 'Gruesse: Grüße aus Köln, à bientôt, señor Núñez.'],
  ['windows-1252', 'Prices in “euros” – 5 € – and an ellipsis…'],
  ['iso-2022-jp', '会議の資料をお送りします。ご確認ください。'],
  ['shift_jis', '日本語のメールです。よろしくお願いします。'],
  ['koi8-r', 'Добрый день, высылаю документы.'],
  ['windows-1251', 'Спасибо за ответ, до встречи.'],
  ['gb2312', '请查看附件中的文件。'],
  ['iso-8859-2', 'Zażółć gęślą jaźń, proszę.'],
  ['euc-kr', '안녕하세요, 회의 자료를 보냅니다.'],
];

export const EVENT_TITLES: readonly string[] = [
  'Stand-up',
  'One to one',
  'Review 🎯',
  'Dentist',
  'Réunion budget',
  'Planning',
  'פגישת צוות',
  'اجتماع الفريق',
  '勉強会',
  'Release window',
  'Lunch with Ada',
  'Gym',
  'Interview: backend',
  'Retro',
];

export const PLACES: readonly string[] = [
  'Room 2.14',
  'Café Ländler',
  'https://meet.example/abc-defg-hij',
  'Hauptstraße 12, 50667 Köln',
  'Phone',
];
