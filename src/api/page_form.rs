//! In which form a list came, for who wants to know.

use std::fmt;

use super::{ChangesPage, ListPage, NextPage, Paging};

/// How a page leads to the next one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PageForm {
    /// It has a number, and tells how many pages or rows there are.
    Numbered,
    /// The same, and gives a cursor too.
    NumberedWithCursor,
    /// Its rows have numbers, from this one on, as in SCIM.
    Scim {
        /// The number of the first row.
        first: u64,
    },
    /// By a cursor, or by saying that there is none.
    Cursor,
    /// It says nothing of another page.
    Untold,
}

impl fmt::Display for PageForm {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Numbered => write!(f, "numbered pages"),
            Self::NumberedWithCursor => write!(f, "numbered pages and a cursor"),
            Self::Scim { first } => write!(f, "SCIM, counted from {first}"),
            Self::Cursor => write!(f, "a cursor"),
            Self::Untold => write!(f, "nothing is told of pages"),
        }
    }
}

impl ListPage {
    /// In which form it came.
    pub fn form(&self) -> PageForm {
        match self.paging {
            Paging::Scim { first, .. } => PageForm::Scim { first },
            Paging::PageNumber if self.cursor.is_some() => PageForm::NumberedWithCursor,
            Paging::PageNumber if self.pages.is_some() || self.total.is_some() => PageForm::Numbered,
            Paging::PageNumber => PageForm::Untold,
        }
    }
}

impl ChangesPage {
    /// In which form it came.
    pub fn form(&self) -> PageForm {
        match self.next {
            _ if self.is_untold => PageForm::Untold,
            NextPage::Unreachable => PageForm::Numbered,
            NextPage::None | NextPage::Cursor(_) | NextPage::Doubtful(_) => PageForm::Cursor,
        }
    }
}
