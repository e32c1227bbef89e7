//! The gate: no request goes on before every demand of it has been decided.

use std::collections::HashMap;

use crate::call::Call;
use crate::demand::{Demand, Role};
use crate::fault::Fault;
use crate::receive::{Input, Received};

/// A request with its demands, none of them decided.
pub struct Undecided {
    received: Received,
    demands: Vec<Demand>,
}

/// A request whose demands have all been decided; [`Undecided::decide`] is the only maker. `P` is the
/// decider's own proof, one for each demand that was allowed.
pub struct Decided<P> {
    pub(crate) received: Received,
    pub(crate) verdicts: Verdicts,
    proofs: Vec<P>,
}

/// What was denied without denying the whole request.
#[derive(Clone, Debug, Default)]
pub(crate) struct Verdicts {
    /// Entries of `DeleteObjects` by key and version.
    pub(crate) entries: HashMap<(String, Option<String>), Result<(), Fault>>,
    /// What a caller is told in place of "no such key".
    pub(crate) concealed: Option<Fault>,
}

impl Undecided {
    pub(crate) fn new(received: Received, demands: Vec<Demand>) -> Self {
        Self { received, demands }
    }

    /// The request.
    pub fn call(&self) -> &Call {
        &self.received.call
    }

    /// What must be decided, in order.
    pub fn demands(&self) -> &[Demand] {
        &self.demands
    }

    /// Puts every demand to `decider`, which returns its proof that the demand is allowed, or the
    /// fault that the caller gets.
    ///
    /// # Errors
    /// The first denial of a demand that the whole request depends on.
    pub fn decide<P>(
        self,
        mut decider: impl FnMut(&Demand) -> Result<P, Fault>,
    ) -> Result<Decided<P>, Fault> {
        // INVARIANT: a request without demands would pass without a decision; there is none such.
        if self.demands.is_empty() {
            return Err(Fault::access_denied("Access Denied"));
        }
        let (mut proofs, mut verdicts) = (Vec::with_capacity(self.demands.len()), Verdicts::default());
        for demand in &self.demands {
            match (decider(demand), demand.role) {
                (Ok(proof), role) => {
                    proofs.push(proof);
                    verdicts.allow(role, &self.received.input);
                }
                (Err(fault), Role::Required) => return Err(fault),
                (Err(fault), Role::Existence) => verdicts.concealed = Some(fault),
                (Err(fault), Role::Entry(index)) => verdicts.entry(index, &self.received.input, Err(fault)),
            }
        }
        Ok(Decided { received: self.received, verdicts, proofs })
    }
}

impl Verdicts {
    fn allow(&mut self, role: Role, input: &Input) {
        if let Role::Entry(index) = role {
            self.entry(index, input, Ok(()));
        }
    }

    fn entry(&mut self, index: usize, input: &Input, verdict: Result<(), Fault>) {
        let Input::Deletions(deletions) = input else { return };
        let Some(deletion) = deletions.get(index) else { return };
        self.entries.insert((deletion.key.clone(), deletion.version_id.clone()), verdict);
    }
}

impl<P> Decided<P> {
    /// The request.
    pub fn call(&self) -> &Call {
        &self.received.call
    }

    /// The decider's proofs, in the order of the demands.
    pub fn proofs(&self) -> &[P] {
        &self.proofs
    }
}
