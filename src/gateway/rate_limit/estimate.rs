//! What is known of Navan's limit where its headers do not tell it, and how that is found out.
//!
//! The first 429 that comes after enough answers shows about where the limit is; after many answers in too short a time it at least
//! bounds the rate. From there the rate grows quickly: what was seen once may have been chance. Seen a second time at about the
//! same, it is *confirmed*, and stays for minutes before it is tried whether there is more.
//!
//! A 429 that comes while requests keep to a limit that was seen is none of their making: it is a stray, or other programs use
//! the quota too. A few of them change nothing. If there are more, the rate is lowered *on trial*: if that makes them fewer, there
//! is less quota than was thought; if it does not, they have nothing to do with the rate, which is restored.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::Moment;
use super::observed::{AnswerStretch, RECENT_ANSWERS, RecentAnswers};

/// Which part of the limit is used. The rest is for the company's other programs, and for what the estimate got wrong.
pub(in crate::gateway) const SHARE_OF_LIMIT: f64 = 0.8;

/// Two observations are of one limit if neither is less than this part of the other.
const SAME_LIMIT: f64 = 0.75;

/// So many answers at least lie between two observations of which one confirms the other.
const MIN_BETWEEN: u64 = 20;

/// By how much the rate grows a second once the limit is confirmed.
const GROWTH: f64 = 0.01;

/// The same before that; it doubles each [`DOUBLING`] for as long as nothing speaks against it.
const FAST_GROWTH: f64 = 0.1;
const DOUBLING: Duration = Duration::from_secs(2);
const MAX_GROWTH: f64 = 1.0;

/// How long a confirmed limit is kept to before the rate grows; it doubles each time that there was no more.
const PATIENCE: Duration = Duration::from_secs(75);
const TRIAL_PATIENCE: Duration = Duration::from_mins(1);
const MAX_PATIENCE: Duration = Duration::from_mins(10);

/// So many 429s of the latest answers are no reason to doubt the rate.
const MAX_STRAYS: u32 = 3;

/// The same beside those that are known to come at any rate.
const MAX_MORE_STRAYS: u32 = 4;

/// The same of those that come although the server says that its limit is not reached.
const MAX_STRAYS_ALTHOUGH_TOLD: u32 = 9;

/// The same while the rate is above what was seen, of the [`LAST`] answers.
const MAX_STRAYS_ABOVE: u32 = 2;
const LAST: u32 = 30;

/// The part of a rate that was too high that is taken for the limit.
const MET: f64 = 0.9;

/// What is seen lies between these: whoever allows less says how long to wait, and more than that holds nobody back.
const LEAST: f64 = 0.1;
const MOST: f64 = 1_000.0;

/// No limit that is told can be slower or faster than that.
const SLOWEST: f64 = 1e-4;
const FASTEST: f64 = 1e4;

/// An estimate in words is shorter.
const LONGEST_TEXT: usize = 4_096;

/// What those begin at together who share a limit that none of them knows yet.
const BEGINNING: f64 = 25.0;

/// No time that matters is so far ahead.
const MAX_AHEAD: Duration = Duration::from_hours(1);

/// What a rate is lowered to on trial.
const TRIAL: f64 = 0.87;

/// So many 429s in 100 answers show that the rate is still much too high.
const MUCH: u32 = 15;

/// After so many answers without one, a 429 is hardly a stray.
const CALM: u64 = 80;

/// How many 429s in a row are no chance.
const STALLED: u32 = 3;

/// What a 429 is taken for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Judgement {
    /// The limit's: what was saved up meanwhile was used up by others, or was never there.
    Limit,
    /// Nothing that says anything of the rate.
    Stray,
}

#[derive(Serialize, Deserialize)]
#[allow(clippy::struct_excessive_bools)] // each says something of its own
pub(super) struct LimitEstimate {
    /// In requests a second, as last seen, or grown since.
    limit: Option<f64>,
    /// It was not seen, but is what is begun with.
    is_assumed: bool,
    /// As last seen.
    seen: f64,
    /// As it was seen before that, long enough ago.
    before: Option<f64>,
    /// As the server tells it, others' share included.
    most: Option<f64>,
    is_confirmed: bool,
    patience: Duration,
    calm_since: Moment,
    grown_at: Moment,
    recent: RecentAnswers,
    stretch: AnswerStretch,
    /// The same since the first 429 that came above what was seen: from one to the next the server lets through what it allows,
    /// while the rate was lower before.
    above: Option<AnswerStretch>,
    trial: Option<Trial>,
    /// The limit before a trial that has helped. It may have been chance, so that the rate grows back to it.
    before_trial: Option<f64>,
    /// 429s in 100 answers that come at any rate.
    strays: u32,
    /// 429s in a row.
    in_a_row: u32,
    /// Answers since the latest 429.
    calm: u64,
    /// The latest came after [`CALM`] of them.
    was_calm: bool,
    /// What the latest 429 has to say is known; others of before its wait say no more.
    is_judged: bool,
}

/// The rate is lowered, to see what becomes of the 429s.
#[derive(Clone, Copy, Serialize, Deserialize)]
struct Trial {
    /// 429s in 100 answers before it.
    share: u32,
    /// The limit before it.
    limit: f64,
}

impl Trial {
    /// Whether there are clearly fewer 429s than before it.
    fn has_helped(self, share: u32) -> bool {
        share * 5 <= self.share || share + 6 <= self.share
    }
}

impl LimitEstimate {
    pub(super) fn new(now: Moment) -> Self {
        Self {
            limit: None,
            is_assumed: false,
            seen: 0.0,
            before: None,
            most: None,
            is_confirmed: false,
            patience: PATIENCE,
            calm_since: now,
            grown_at: now,
            recent: RecentAnswers::default(),
            stretch: AnswerStretch::new(now),
            above: None,
            trial: None,
            before_trial: None,
            strays: 0,
            in_a_row: 0,
            calm: 0,
            was_calm: false,
            is_judged: false,
        }
    }

    /// One that begins at a limit that was seen, or else at one that many processes can begin at together, and which grows until it is met.
    pub(super) fn assumed(seen: Option<f64>, now: Moment) -> Self {
        let mut estimate = Self::new(now);
        estimate.keep_to(seen.unwrap_or(BEGINNING), now);
        if seen.is_none() {
            (estimate.is_assumed, estimate.seen) = (true, 0.0);
        }
        estimate
    }

    /// As others can read it.
    pub(super) fn to_text(&self) -> Option<String> {
        serde_json::to_string(self).ok()
    }

    /// What another process has estimated; `None` if nobody can have.
    pub(super) fn of_text(text: &str, now: Moment) -> Option<Self> {
        let estimate: Self = serde_json::from_str(text).ok().filter(|_| text.len() <= LONGEST_TEXT)?;
        let is_limit = |limit: &f64| *limit == 0.0 || (SLOWEST..=FASTEST).contains(limit);
        let trial = estimate.trial.map(|trial| trial.limit);
        let limits =
            [estimate.limit, Some(estimate.seen), estimate.before, estimate.most, estimate.before_trial, trial];
        let latest = now + MAX_AHEAD;
        let stretches = [Some(&estimate.stretch), estimate.above.as_ref()];
        let is_possible = limits.iter().flatten().all(is_limit)
            && estimate.limit.is_some_and(|limit| limit > 0.0)
            && [estimate.strays, estimate.trial.map_or(0, |trial| trial.share)].iter().all(|share| *share <= 100)
            && estimate.in_a_row <= u32::MAX / 2
            && estimate.calm <= u64::MAX / 2
            && estimate.patience <= MAX_PATIENCE
            && [estimate.calm_since, estimate.grown_at].iter().all(|at| *at <= latest)
            && stretches.into_iter().flatten().all(|stretch| stretch.is_possible(latest));
        is_possible.then_some(estimate)
    }

    /// From when on answers are counted.
    pub(super) fn counts_since(&self) -> Moment {
        self.stretch.since()
    }

    /// So many more were answered, of which nothing else is known.
    pub(super) fn answered_before(&mut self, answers: u64) {
        self.stretch.add(answers);
    }

    /// What was counted before says nothing of the limit, since nothing was asked for some time.
    pub(super) fn begin_anew(&mut self, at: Moment) {
        self.stretch.begin_anew(at);
        self.above = None;
    }

    /// In requests a second.
    pub(super) fn limit(&self) -> Option<f64> {
        self.limit
    }

    /// Whether it was seen more than once.
    pub(super) fn is_confirmed(&self) -> bool {
        self.is_confirmed
    }

    /// The same, if it was seen.
    pub(super) fn observed(&self) -> Option<f64> {
        self.limit.filter(|_| !self.is_assumed)
    }

    /// The server tells what is allowed at most. Others may use some of it.
    pub(super) fn set_most(&mut self, most: f64, now: Moment) {
        let most = most.clamp(SLOWEST, FASTEST);
        if self.most.is_none_or(|before| most < before) {
            // What was made of its numbers as long as they were taken for a window's says nothing.
            let limit = self.limit.filter(|_| self.most.is_some());
            self.most = Some(most);
            self.keep_to(limit.map_or(most, |limit| limit.min(most)), now);
            self.is_confirmed = true;
        }
    }

    /// The server tells a limit itself.
    pub(super) fn set(&mut self, limit: f64, now: Moment) {
        self.keep_to(limit, now);
        self.trial = None;
    }

    /// Takes note of an answer that was none of the limit's; of one to a request from after the last 429 if `is_later`.
    pub(super) fn answered(&mut self, is_later: bool, now: Moment) {
        self.recent.record(false);
        for stretch in self.above.iter_mut().chain([&mut self.stretch]) {
            stretch.answered();
            if is_later {
                stretch.go_on();
            }
        }
        if is_later {
            self.in_a_row = 0;
            self.calm += 1;
        }
        if let Some(trial) = self.trial.take_if(|_| self.recent.len() == RECENT_ANSWERS) {
            self.judge(trial, now);
        }
    }

    /// Takes note of a 429 to another process, which has judged it.
    pub(super) fn others_limited(&mut self) {
        self.recent.record(true);
    }

    /// Requests queue, so that a higher rate would help.
    pub(super) fn grow(&mut self, now: Moment) {
        let patience = match (self.is_confirmed, self.before_trial) {
            (false, _) => Duration::ZERO,
            (true, Some(_)) => TRIAL_PATIENCE,
            (true, None) => self.patience,
        };
        let grows_since = self.calm_since + patience;
        let passed = now.saturating_sub(self.grown_at.max(grows_since)).as_secs_f64().min(10.0);
        let growth = if self.is_confirmed {
            GROWTH
        } else {
            let doublings = now.saturating_sub(grows_since).as_secs_f64() / DOUBLING.as_secs_f64();
            (FAST_GROWTH * doublings.min(16.0).exp2()).min(MAX_GROWTH)
        };
        let few = if self.strays == 0 { 1 } else { self.max_strays() - 1 };
        let is_calm = !self.is_confirmed || self.recent.count(RECENT_ANSWERS) <= few;
        let is_regrowing = self.limit.zip(self.before_trial).is_some_and(|(limit, before)| limit < before);
        if self.trial.is_none() && (is_calm || is_regrowing) {
            let most = if is_regrowing { self.before_trial } else { self.most }.unwrap_or(MOST);
            self.limit = self.limit.map(|limit| (limit * (1.0 + growth).powf(passed)).min(most));
        }
        self.grown_at = now;
    }

    /// Nobody queues.
    pub(super) fn rest(&mut self, now: Moment) {
        self.grown_at = now;
    }

    /// Makes what can be made of a 429 after which everything waits, as long as the server says if `is_told`, else by guess.
    pub(super) fn limited(&mut self, wait: Duration, is_told: bool, now: Moment) -> Judgement {
        self.recent.record(true);
        self.in_a_row += 1;
        if self.in_a_row > 1 {
            // Chance rarely strikes twice in a row.
            self.recent.record(true);
        }
        self.is_judged = false;
        let after = now + wait;
        self.was_calm = self.calm >= CALM;
        self.calm = 0;
        let observed = self.stretch.observe(wait, is_told, now);
        if self.in_a_row > 1
            && self.stretch.answers() == 0
            && let Some(limit) = self.limit
        {
            // The stall in which the limit was seen goes on: it is lower than it seemed.
            if let Some(observed) = observed {
                self.keep_to(observed.clamp(LEAST, limit.max(LEAST)), after);
                self.confirm();
                self.stretch.begin_anew(after);
            }
            self.is_judged = true;
            return Judgement::Limit;
        }
        let above = self.above.as_mut().and_then(|stretch| stretch.observe(wait, is_told, now));
        self.judge_429s(above.or(observed), after)
    }

    /// Takes note of a 429 although the server tells a limit, which it does not say is reached: one of another limit, unless it is a
    /// stray.
    pub(super) fn limited_although_told(&mut self, wait: Duration, is_told: bool, now: Moment) -> Judgement {
        if self.recent.count(RECENT_ANSWERS) < self.max_strays() + MAX_STRAYS_ALTHOUGH_TOLD {
            self.recent.record(true);
            return Judgement::Stray;
        }
        self.limited(wait, is_told, now)
    }

    /// Takes note of a 429 to which the server says itself that its limit is reached. If that is kept to, others use some of it.
    pub(super) fn reached(&mut self, after: Moment) -> Judgement {
        self.recent.record(true);
        self.is_judged = true;
        if let Some(limit) = self.limit {
            let before = self.before_trial.map_or(limit, |before| before.max(limit));
            self.before_trial = Some(before);
            // Some say so of any 429.
            self.keep_to((limit * MET).max(before / 2.0).max(LEAST), after);
        }
        Judgement::Limit
    }

    /// Another 429 to a request of before that, for which everything waits until `after`.
    pub(super) fn limited_again(&mut self, after: Moment) -> Judgement {
        if self.is_judged {
            return Judgement::Limit;
        }
        self.recent.record(true);
        let above = self.above.as_ref().and_then(AnswerStretch::observed);
        self.judge_429s(above.or(self.stretch.observed()), after)
    }

    fn judge_429s(&mut self, observed: Option<f64>, after: Moment) -> Judgement {
        let Some(limit) = self.observed() else {
            if let Some(observed) = observed {
                self.see(observed, after);
                self.is_judged = true;
            } else if let Some(guess) = self.stretch.guess() {
                self.keep_to(guess.clamp(LEAST, MOST), after);
                self.is_judged = true;
            } else if let Some(assumed) = self.limit {
                self.keep_to((assumed / 2.0).max(LEAST), after);
                (self.is_assumed, self.seen) = (true, 0.0);
            }
            return Judgement::Limit;
        };
        let rate = SHARE_OF_LIMIT * limit;
        let is_above = rate > self.seen || !self.is_confirmed;
        let is_too_many = if self.trial.is_some() {
            // A trial is given its time, unless it is plain that it is not enough.
            self.recent.len() >= RECENT_ANSWERS / 2 && self.recent.share_of_429s() > MUCH + self.strays
        } else if self.in_a_row >= STALLED {
            true
        } else {
            let is_too_many_of_last = self.recent.count(LAST) > MAX_STRAYS_ABOVE + self.strays * LAST / 100;
            let met_at_last = !self.is_confirmed && self.was_calm;
            is_above && (is_too_many_of_last || met_at_last) || self.recent.count(RECENT_ANSWERS) > self.max_strays()
        };
        if !is_too_many {
            // Nothing was tried meanwhile.
            self.grown_at = self.grown_at.max(after);
            if is_above && self.above.is_none() {
                self.above = Some(AnswerStretch::new(after));
            }
            return Judgement::Stray;
        }
        self.is_judged = true;
        if !self.is_confirmed {
            // It grew until it met the limit.
            let met = observed.map_or(rate, |observed| observed.min(rate));
            self.see(met, after);
        } else if is_above {
            // What was confirmed stands; there is no more, or a little.
            let met = (rate * MET).max(self.seen);
            self.patience = if met > self.seen { PATIENCE } else { (self.patience * 2).min(MAX_PATIENCE) };
            self.keep_to(met, after);
        } else if let Some(trial) = self.trial.take_if(|trial| !trial.has_helped(self.recent.share_of_429s())) {
            self.judge(trial, after);
            return Judgement::Stray;
        } else {
            let limit = self.trial.map_or(self.seen, |trial| trial.limit);
            self.trial = Some(Trial { share: self.recent.share_of_429s(), limit });
            self.keep_to((self.seen * TRIAL).max(LEAST), after);
        }
        Judgement::Limit
    }

    /// How many of [`RECENT_ANSWERS`] may be 429s without a doubt about the rate.
    fn max_strays(&self) -> u32 {
        if self.strays == 0 { MAX_STRAYS } else { self.strays + MAX_MORE_STRAYS }
    }

    /// A trial is over.
    fn judge(&mut self, trial: Trial, now: Moment) {
        let share = self.recent.share_of_429s();
        if trial.has_helped(share) {
            let before = self.before_trial.unwrap_or(trial.limit);
            self.before_trial = Some(before.max(trial.limit));
        } else {
            // What an earlier one seemed to have shown was chance as well.
            let were_known = self.strays > 0;
            self.strays = share.midpoint(trial.share);
            let before = self.before_trial.take().unwrap_or(trial.limit);
            self.keep_to(before.max(trial.limit), now);
            // Strays may have been what the limit was seen by, and confirmed.
            if !were_known && self.most.is_none() {
                self.is_confirmed = false;
                self.stretch.begin_anew(now);
            }
        }
    }

    /// The limit was seen.
    fn see(&mut self, limit: f64, now: Moment) {
        let limit = limit.clamp(LEAST, MOST);
        let was_confirmed = self.is_confirmed;
        self.before = (self.stretch.answers() >= MIN_BETWEEN).then_some(self.seen);
        self.seen = limit;
        self.confirm();
        self.patience =
            if was_confirmed && self.is_confirmed { (self.patience * 2).min(MAX_PATIENCE) } else { PATIENCE };
        self.stretch.begin_anew(now);
        self.keep_to(limit, now);
    }

    /// It is confirmed if it is about what was seen before.
    fn confirm(&mut self) {
        let is_same = |before: f64| before.min(self.seen) >= SAME_LIMIT * before.max(self.seen);
        self.is_confirmed = self.before.is_some_and(is_same);
    }

    /// Has this limit stand for what was seen.
    fn keep_to(&mut self, limit: f64, now: Moment) {
        let limit = limit.clamp(SLOWEST, FASTEST);
        self.limit = Some(limit);
        self.is_assumed = false;
        self.seen = limit;
        self.recent = RecentAnswers::default();
        self.above = None;
        self.calm_since = now;
        self.grown_at = now;
    }
}
