import numpy as np
from molopt.coordinates.metric_table import *
cache={}
def empty(nq,N):
    i=lambda *s: np.zeros(s,dtype=np.int64); f=lambda *s: np.zeros(s)
    return MetricTable(Planarity(f(N),i(0,4),i(0,4,4)),Stretches(i(0),f(0),f(0,6,3),f(0)),Angles(i(0),i(0),f(0,2),f(0)),
      Torsions(i(0),i(0,2),f(0),f(0,4,3),f(0,4),f(0),f(0)),Couplings(i(0),i(0),i(0),f(0),f(0,2),f(0,2)),Geminal(i(0,2),i(0),f(0,2)),
      Contacts(i(0),f(0),i(2,0,0),f(0,9,3)),Repulsion(i(0),f(0,0),f(0,0)),Turns(i(0),i(0),f(0,3),f(0)),np.full(nq,np.nan),np.ones(nq),np.zeros((0,0),dtype=np.uint8),Weights(1.0,0.0,1.0))
def identity_table(p):
    if id(p) not in cache: cache[id(p)]=empty(p.count,p.natoms)
    return cache[id(p)]
